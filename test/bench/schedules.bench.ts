/** A fleet's worth of schedules: how long adding, listing and pausing them takes, and what the worker and Temporal's server take in memory for them.
 *  Prints a table. */
import { readFileSync } from 'node:fs'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { listSchedules } from '../../client/schedules/list-schedules'
import { putSchedule } from '../../client/schedules/put-schedule'
import { pauseSchedule } from '../../client/schedules/schedules'
import { derivedJitterMs, timingOf } from '../../client/schedules/timing'
import { connectTemporal, type TemporalDoor } from '../../client/temporal'
import type { DatabaseEntry } from '../../contracts/fleet'
import { fleetOf } from '../client/scheduling'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'

const COUNT = 1_000
/** Calls at a time: a dev server with a database file does its work one after the other. */
const LANES = 4

let capstan: CapstanStack
let temporal: TemporalDoor
beforeAll(async () => {
  capstan = await startCapstan()
  temporal = await connectTemporal({ address: capstan.stack.endpoints.temporal.address, namespace: 'default' })
}, 120_000)
afterAll(async () => {
  await temporal?.close()
  await capstan?.close()
}, 60_000)

function residentMb(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return `${Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024)} MB`
}

async function each(entries: readonly DatabaseEntry[], act: (entry: DatabaseEntry) => Promise<unknown>): Promise<void> {
  const waiting = entries.values()
  const lane = async (): Promise<void> => {
    for (const entry of waiting) await act(entry)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

test('schedules', async () => {
  const names = Array.from({ length: COUNT }, (_, n) => `db-${n}`)
  const parsed = parseFleet(fleetOf(names), 'fleet')
  const { databases } = parsed
  const fleet = { ...parsed, file: 'fleet.yaml', folder: '.' } as const
  const doors = { ledger: capstan.ledger, temporal }
  const timing = timingOf({ at: '03:00', cron: undefined, everyMs: undefined, timeZone: undefined })
  const from = {
    addedBy: 'bench',
    heartbeatTimeoutMs: 5_000,
    workflowTaskTimeoutMs: 10_000,
    waitForLockMs: 0,
  } as const
  const worker = capstan.stack.worker.pid() ?? 0
  const before = residentMb(worker)
  const lines = [`${COUNT} schedules   seconds   worker`]
  const measured = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    const start = performance.now()
    await act()
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    lines.push(`${what.padEnd(14)} ${seconds.padStart(11)}   ${residentMb(worker)}`)
    process.stdout.write(`${lines.at(-1)}\n`)
  }
  const list = async (): Promise<number> => (await listSchedules(doors, { of: null, fleet, runs: 5 })).length
  await measured('added', () =>
    each(databases, (entry) =>
      putSchedule(doors, {
        ...from,
        name: { kind: 'snapshot', database: entry.name },
        entry,
        timing,
        jitterMs: derivedJitterMs(timing),
        catchUpMs: 86_400_000,
      }),
    ),
  )
  // Temporal lists what is new only after a moment.
  while ((await list()) < COUNT) await new Promise((resolve) => setTimeout(resolve, 500))
  await measured('listed', list)
  await measured('paused', () =>
    each(databases, ({ name }) =>
      pauseSchedule(doors, { kind: 'snapshot', database: name }, { by: 'bench', note: 'all of them' }),
    ),
  )
  await measured('listed', list)
  process.stdout.write(`\n${lines.join('\n')}\nworker before: ${before}\n`)
}, 600_000)
