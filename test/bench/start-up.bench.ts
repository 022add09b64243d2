/** `npm start -- --once` by phase, on a machine that has everything already. Prints the program's own table, once a run. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const RUNS = 2

test('start-up', async () => {
  const state = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  chmodSync(state, 0o711)
  try {
    for (let n = 1; n <= RUNS; n += 1) {
      const main = join(__dirname, '../../dist/embedded/main.js')
      const env = { ...process.env, CAPSTAN_STATE_DIR: join(state, 'state') }
      const { stdout } = await promisify(execFile)(process.execPath, [main, '--once', '--again', '--timings'], { env })
      const table = stdout.split('\n').filter((line) => /^ {2}\S.* [\d.]+ s$/.test(line) && !line.includes('✔'))
      process.stdout.write(`\nrun ${n}\n${table.join('\n')}\n`)
    }
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
})
