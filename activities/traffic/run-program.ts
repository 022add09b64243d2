/** Runs one program of the worker's own folder, without a shell, for a limited time, with nothing of our environment.
 *
 *  Fleet files come from whoever may write them, and the program runs where our credentials are: so a file names a program by its file name
 *  alone, and only what the worker's operator has put into that folder can run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { failure } from '../../contracts/failures'
import { printable } from '../../postgres/printable'

export interface ProgramCall {
  readonly folder: string
  /** The file name, then its arguments. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface ProgramEnd {
  /** Null: it was ended, since its time was over. */
  readonly code: number | null
  /** The last of each, without what a terminal would act on. */
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_MAX = 4_000
/** Between the wish that it ends and its end. */
const GRACE_MS = 2_000

/** Throws ENDPOINT_REFUSED for what is no program of the folder, and the signal's reason once it is aborted and the program has ended. */
export async function runProgram({ folder, argv, env, timeoutMs, signal }: ProgramCall): Promise<ProgramEnd> {
  const [name = '', ...args] = argv
  const file = await programIn(folder, name)
  signal.throwIfAborted()
  // a group of its own: what it starts ends with it
  const child = spawn(file, args, { cwd: folder, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const stdout = lastOf(child.stdout)
  const stderr = lastOf(child.stderr)
  let overdue = false
  const end = (): void => {
    kill(child.pid, 'SIGTERM')
    killing = setTimeout(() => kill(child.pid, 'SIGKILL'), GRACE_MS)
  }
  let killing: NodeJS.Timeout | undefined
  const limit = setTimeout(() => {
    overdue = true
    end()
  }, timeoutMs)
  signal.addEventListener('abort', end, { once: true })
  try {
    const code = await endOf(child)
    signal.throwIfAborted()
    return { code: overdue ? null : code, stdout: stdout(), stderr: stderr() }
  } finally {
    clearTimeout(limit)
    clearTimeout(killing)
    signal.removeEventListener('abort', end)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** Its status; null: a signal ended it. Whatever it has started ends with it, so that nobody keeps its output open. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const message = `The program ${child.spawnfile} could not be started: check its first line and its mode.`
      reject(failure('ENDPOINT_REFUSED', message, {}, { cause }))
    })
    child.once('exit', (code) => {
      kill(child.pid, 'SIGKILL')
      // one that left the group may hold the output open, and is not waited for
      const waiting = setTimeout(() => resolve(code), GRACE_MS)
      child.once('close', () => {
        clearTimeout(waiting)
        resolve(code)
      })
    })
  })
}

async function programIn(folder: string, name: string): Promise<string> {
  const refuse = (why: string) =>
    failure('ENDPOINT_REFUSED', `The fleet file's endpoint names the program ${printable(name)}, which ${why}.`, { name })
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw refuse('is no file name; name one of the folder CAPSTAN_ENDPOINT_COMMANDS')
  const root = await realpath(folder).catch(() => null)
  if (root === null) throw refuse('cannot be looked for: the folder CAPSTAN_ENDPOINT_COMMANDS of this worker is not there')
  const file = await realpath(join(root, name)).catch(() => null)
  if (file === null) throw refuse('is not in the folder CAPSTAN_ENDPOINT_COMMANDS of this worker; put it there')
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) throw refuse('leads out of the folder CAPSTAN_ENDPOINT_COMMANDS')
  const runs =
    (await stat(file)).isFile() &&
    (await access(file, constants.X_OK).then(
      () => true,
      () => false,
    ))
  if (!runs) throw refuse('is no file that this worker may run; check its mode')
  return file
}

/** Of a stream: what came last. */
function lastOf(stream: NodeJS.ReadableStream): () => string {
  let text = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    text = Buffer.concat([text, chunk]).subarray(-OUTPUT_MAX)
  })
  stream.on('error', () => undefined)
  return () => text.toString('utf8')
}

function kill(pid: number | undefined, how: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, how)
  } catch {
    // it has ended
  }
}
