/** A program that the embedded default starts: detached, so that a terminal's Ctrl-C reaches only us and we stop things in
 *  order; its output in files, so that it outlives neither a reader nor a pipe. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { identify, isAlive, type ProcessIdentity } from '../../pgserver/process-identity'
import type { ProcessRecords } from './records'

export interface Program {
  /** Names the log file and what people are told. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** `line`: ready once a line of JSON with `"ready": true` is on its standard output. `probe`: ready once it says so. */
  readonly ready: { readonly kind: 'line' } | { readonly kind: 'probe'; readonly probe: () => Promise<boolean> }
  readonly readyTimeoutMs: number
  readonly stopSignal: NodeJS.Signals
  /** For what it writes; ours when left out. */
  readonly umask?: number
}

export interface Running {
  readonly identity: ProcessIdentity
  /** What the ready line said; empty for a probed one. */
  readonly said: Readonly<Record<string, unknown>>
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<void>
}

export interface ProgramPlace {
  readonly logDir: string
  readonly records: ProcessRecords
}

/** Once `giveUp` is aborted a start that is under way is ended.
 *  @throws Failure EMBEDDED_START_FAILED with the end of the program's log. */
export async function startProgram(program: Program, place: ProgramPlace, giveUp?: AbortSignal): Promise<Running> {
  const outFile = join(place.logDir, `${program.name}.out`)
  const logFile = join(place.logDir, `${program.name}.log`)
  const out = openSync(outFile, 'w', 0o600)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawnMasked(program, ['ignore', out, log])
  closeSync(out)
  closeSync(log)
  let gone = false
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      gone = true
      resolve()
    }
    child.once('exit', end)
    child.once('error', end)
  })
  const identity = child.pid === undefined ? null : identify(child.pid)
  if (identity !== null) {
    place.records.add(program.name, identity)
    void exited.then(() => place.records.remove(identity))
    const deadline = Date.now() + program.readyTimeoutMs
    while (!gone && giveUp?.aborted !== true && Date.now() < deadline) {
      const said = await readiness(program, outFile)
      if (said !== null) return { identity, said, exited }
      await sleep(10)
    }
    await stopProcess(identity, program.stopSignal, 1_000)
  }
  throw failure('EMBEDDED_START_FAILED', `${program.name} did not start${tail(logFile)}. Its log: ${logFile}`)
}

/** A process is forked before `spawn` returns, so the mask is ours again before anything else runs. */
function spawnMasked({ command, args, env, umask }: Program, stdio: StdioOptions): ChildProcess {
  const before = umask === undefined ? null : process.umask(umask)
  try {
    return spawn(command, args, { detached: true, env, stdio })
  } finally {
    if (before !== null) process.umask(before)
  }
}

/** Signals a process, waits `graceMs` and then kills it. Only ever the process that was meant. */
export async function stopProcess(who: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  for (const [name, waitMs] of [[signal, graceMs] as const, ['SIGKILL', 2_000] as const]) {
    if (!isAlive(who)) return
    try {
      process.kill(who.pid, name)
    } catch {
      return
    }
    const deadline = Date.now() + waitMs
    while (isAlive(who) && Date.now() < deadline) await sleep(10)
  }
}

async function readiness(program: Program, outFile: string): Promise<Readonly<Record<string, unknown>> | null> {
  if (program.ready.kind === 'probe') return (await program.ready.probe()) ? {} : null
  for (const line of readFileSync(outFile, 'utf8').split('\n').slice(0, -1)) {
    const said = parsed(line)
    if (said?.ready === true) return said
  }
  return null
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** What a log's end says went wrong, for the one sentence that people see: an error's own line rather than its stack. */
function tail(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-40)
    const said = lines.findLast((line) => /^(\w*Error|FATAL|PANIC)\b/i.test(line)) ?? lines.at(-1)
    return said ? `: ${said.slice(0, 300)}` : ''
  } catch {
    return ''
  }
}
