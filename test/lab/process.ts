import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { transformFileSync } from '@swc/core'
import type { CloudCredentials } from '../../lab/credentials'

const root = resolve(__dirname, '..', '..')

/** Compiles the lab as it is in the sources, so that the process under test is never an older build. */
export function compileLab(target: string): string {
  for (const room of ['lab', 'pgserver']) {
    for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
      if (!entry.name.endsWith('.ts')) continue
      const source = join(entry.parentPath, entry.name)
      const { code } = transformFileSync(source, {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
      })
      const file = join(target, relative(root, source)).replace(/\.ts$/, '.js')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, code)
    }
  }
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'))
  return join(target, 'lab', 'main.js')
}

export interface LabProcess {
  child: ChildProcess
  ready: { ready: true; api: string; dataPort: number; credentials: CloudCredentials; labToken: string }
  /** Resolves with the exit code, or null when it was killed. */
  exited: Promise<number | null>
  /** What it said on stderr. */
  said(): string
}

/** @throws Error with what the process said on stderr when it ends before it is ready. */
export async function startLabProcess(main: string, args: readonly string[]): Promise<LabProcess> {
  const { child, exited } = spawnLab(main, args)
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const firstLine = new Promise<string>((done) => createInterface({ input: child.stdout }).once('line', done))
  const line = await Promise.race([firstLine, exited.then((code) => Promise.reject(new Error(`exit ${code}: ${said}`)))])
  return { child, exited, said: () => said, ready: JSON.parse(line) }
}

/** A lab that does not live long enough to be of use, or only just. */
export async function killWhileStarting(main: string, args: readonly string[], afterMs: number): Promise<void> {
  const { child, exited } = spawnLab(main, args)
  await sleep(afterMs)
  child.kill('SIGKILL')
  await exited
}

function spawnLab(main: string, args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  return { child, exited: new Promise<number | null>((done) => child.once('exit', (code) => done(code))) }
}
