/** A control plane that is gone and comes back: its processes stand still, each by its own number, so that what it was about to do it does later; or they are killed, and
 *  whoever comes after them knows what was on disk. */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, startProgram } from '../../embedded/processes/program'
import { ProcessRecords } from '../../embedded/processes/records'
import { answers } from '../../embedded/temporal/server'
import type { CapstanStack, SpareWorker } from './capstan-stack'
import { until } from './eventually'

const ledgerData = (dir: string): string => join(dir, 'state', 'ledger', 'data')
const postmasterIn = (data: string): number => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])

/** The worker, Temporal, and the ledger with all its backends. Resolves to what lets them go on. */
export function freezeControlPlane({ stack, dir }: CapstanStack): () => void {
  const ledger = postmasterIn(ledgerData(dir))
  const pids: number[] = []
  const stop = (pid: number | null | undefined): void => {
    if (typeof pid === 'number' && signalled(pid, 'SIGSTOP')) pids.push(pid)
  }
  for (const pid of [stack.worker.pid(), stack.temporalServer?.pid(), ledger]) stop(pid)
  // by now the postmaster makes no more of them
  for (const pid of childrenOf(ledger)) stop(pid)
  return () => {
    for (const pid of pids.reverse()) signalled(pid, 'SIGCONT')
  }
}

/** False: it ended meanwhile. */
function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

export interface MortalControlPlane {
  /** Of the worker that works now; null: it is dead. */
  worker(): number | null
  /** `kill -9` of the worker, Temporal, and the ledger with all its backends; nobody starts them again. Resolves when they are gone. */
  kill(): Promise<void>
  /** Resolves when all three are there again, by what they had on disk. Safe to repeat. */
  comeBack(): Promise<void>
}

/** Once it was killed its worker is one that nobody supervises: one that dies by a failpoint stays dead. */
export function mortalControlPlane(capstan: CapstanStack): MortalControlPlane {
  const { stack, dir } = capstan
  const data = ledgerData(dir)
  const away = `${data}-away`
  let spare: SpareWorker | null = null
  let temporal = stack.temporalServer?.pid() ?? null
  const again = temporalAgain(capstan)
  let dead = false
  const worker = (): number | null => (spare === null ? stack.worker.pid() : isThere(spare.pid) ? spare.pid : null)
  return {
    worker,
    async kill() {
      const ledger = postmasterIn(data)
      // its supervisor finds no ledger to start until it is moved back
      signalled(ledger, 'SIGSTOP')
      renameSync(data, away)
      const pids = [worker(), temporal, ledger, ...childrenOf(ledger)]
      for (const pid of pids) if (pid !== null) signalled(pid, 'SIGKILL')
      dead = true
      // told to let them be before it hears of their deaths
      await Promise.all([stack.worker.stop(0), stack.temporalServer?.stop(0), spare?.kill()])
      await until('the control plane to be gone', async () => !pids.some((pid) => pid !== null && isThere(pid)))
    },
    async comeBack() {
      if (!dead) return
      dead = false
      if (existsSync(away)) renameSync(away, data)
      temporal = await again()
      await until('the ledger to be there again', () =>
        capstan.ledger.ping().then(
          () => true,
          () => false,
        ),
      )
      spare = await capstan.spareWorker()
    },
  }
}

/** By the same command as the first, which is asked for it while it lives. Resolves to its number. */
function temporalAgain({ stack: { temporalServer, endpoints }, dir }: CapstanStack): () => Promise<number> {
  const first = temporalServer?.pid()
  if (first == null) throw new Error('Temporal does not run here, so it cannot be killed')
  const [command = '', ...args] = readFileSync(`/proc/${first}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const { address, namespace } = endpoints.temporal
  return async () => {
    const program: Program = {
      ...{ name: 'temporal', command, args, env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TEMPORAL_CONFIG_FILE: '' } },
      ready: { kind: 'probe', probe: () => answers(address, namespace) },
      ...{ readyTimeoutMs: 60_000, stopSignal: 'SIGTERM' },
    }
    // on the stack's own records, so that it ends with it
    const records = new ProcessRecords(join(dir, 'state', 'processes.json'))
    const { identity } = await startProgram(program, { logDir: join(dir, 'state', 'logs'), records })
    return identity.pid
  }
}

/** One that nobody has waited for yet is dead all the same. */
function isThere(pid: number): boolean {
  const stat = statOf(pid)
  return stat !== null && !['Z', 'X'].includes(stat[0] ?? '')
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === parent)
}

/** Behind the last bracket of /proc/<pid>/stat: the state, then the parent. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
