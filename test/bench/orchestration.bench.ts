/** What durability costs: the wall time of one `migrate` over the time its activities worked or waited for the cloud, the size of its
 *  history, and the worker's memory. Prints a table. */
import { readFileSync } from 'node:fs'
import type { temporal } from '@temporalio/proto'
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'

type History = temporal.api.history.v1.IHistory
type HistoryEvent = temporal.api.history.v1.IHistoryEvent

const it = migrating()
const RUNS = 5

function msOf(event: HistoryEvent | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {}
  return Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6
}

/** A poll's own time is its wait, retries included; any other activity's is its last attempt's run. */
function ownMs(history: History): number {
  const events = new Map((history.events ?? []).map((event) => [String(event.eventId), event]))
  let sum = 0
  for (const event of events.values()) {
    const completed = event.activityTaskCompletedEventAttributes
    if (!completed) continue
    const scheduled = events.get(String(completed.scheduledEventId))
    const polls = scheduled?.activityTaskScheduledEventAttributes?.activityType?.name?.startsWith('await')
    sum += msOf(event) - msOf(polls ? scheduled : events.get(String(completed.startedEventId)))
  }
  return sum
}

function residentMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (field: string) => Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024)
  return { now: mb('VmRSS'), peak: mb('VmHWM') }
}

const LARGE_ROWS = 300_000

/** A small migration shows the overhead at its worst, a large one as it is in life. */
const SIZES = {
  small: {
    ...FIRST,
    'V2__a.sql': 'ALTER TABLE items ADD COLUMN a text;',
    'V3__i.sql': 'CREATE INDEX CONCURRENTLY i ON items (a);',
  },
  large: {
    ...FIRST,
    'V2__rows.sql': `INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, ${LARGE_ROWS}) n;`,
    'V3__a.sql': 'ALTER TABLE items ADD COLUMN a text; UPDATE items SET a = md5(name);',
    'V4__i.sql': 'CREATE INDEX CONCURRENTLY i ON items (a);',
  },
} as const

test('orchestration', async () => {
  const worker = it.capstan.stack.worker.pid() ?? 0
  const idle = residentMb(worker).now
  const lines = ['size   run  wall ms   own ms  ratio  overhead ms  events']
  for (const [size, files] of Object.entries(SIZES)) {
    for (let n = 1; n <= RUNS; n += 1) {
      await it.target.reset()
      const { operation } = await it.migrate(it.target.fleet(files), '--operation', `bench-${size}-${n}`)
      const history = await it.capstan.temporal.workflow.getHandle(operation.id).fetchHistory()
      const events = history.events ?? []
      const wall = msOf(events.at(-1)) - msOf(events[0])
      const own = ownMs(history)
      const figures = [wall.toFixed(0).padStart(8), own.toFixed(0).padStart(8), (wall / own).toFixed(3).padStart(6)]
      lines.push([size, ` ${n} `, ...figures, (wall - own).toFixed(0).padStart(12), String(events.length).padStart(7)].join(' '))
    }
  }
  const { peak } = residentMb(worker)
  process.stdout.write(`\n${lines.join('\n')}\nworker resident: ${idle} MB idle, ${peak} MB at peak\n`)
})
