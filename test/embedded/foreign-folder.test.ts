import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identify } from '../../pgserver/process-identity'
import { folder, removeFolders } from './support'

afterAll(removeFolders)

/** The command as a user runs it, from dist/. */
const MAIN = join(__dirname, '../../dist/embedded/main.js')

test.each(['start', 'up', 'reset', 'sweep', 'down'])(
  '%s leaves a folder of other things alone, and what its lock names',
  (command) => {
    const state = folder()
    writeFileSync(join(state, 'thesis.tex'), 'ten years of work')
    writeFileSync(join(state, 'lock'), JSON.stringify({ ...identify(process.pid), purpose: 'start' }))
    const { status, stderr } = spawnSync(process.execPath, [MAIN, command], {
      env: { ...process.env, CAPSTAN_STATE_DIR: state },
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining(`${state}, which holds other things`) })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(readdirSync(state).sort()).toEqual(['lock', 'thesis.tex'])
  },
)

test('reset of a folder that is not there, or empty, makes and removes nothing', () => {
  const state = folder()
  for (const dir of [state, join(state, 'never-made')]) {
    const said = execFileSync(process.execPath, [MAIN, 'reset'], {
      env: { ...process.env, CAPSTAN_STATE_DIR: dir },
      encoding: 'utf8',
    })
    expect(said).toBe(`✔ there was no state to remove (${dir})\n`)
  }
  expect(readdirSync(state)).toEqual([])
})
