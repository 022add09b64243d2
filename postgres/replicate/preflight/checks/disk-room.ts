/** Room on the standby for what is copied, and on the source for the log that a standby which stands still holds back. */
import type { PreflightFinding } from '../../../../contracts/preflight'
import { bytes } from '../../../health/words'
import { type Check, type Look, NOTHING, type Told } from '../check'
import { roomForData } from '../disk-room'
import { toSet } from '../to-set'

const MEGABYTE = 1024 * 1024

interface Size extends Record<string, unknown> {
  readonly bytes: number
  /** max_wal_size, in megabytes. */
  readonly logMax: number
  /** max_slot_wal_keep_size, in megabytes; -1: not limited. */
  readonly keepMax: number
}

const SIZE = `
  SELECT pg_database_size(current_database()) AS bytes,
         (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'max_wal_size') AS "logMax",
         (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS "keepMax"`

const FILLS = 'Copying would fill its disk and stop it.'
const TIGHT = 'Copying writes as much log as rows, and building indexes sorts beside them: that may not fit.'
const SLOWLY =
  'Its cloud makes it larger as it fills, by about a tenth each six hours: copying that is faster would fill its disk and stop it.'
const NOT_TOLD = 'How large its disk is, or what is on it, could not be asked: look there.'

async function ofStandby({ source, standby, asked }: Look): Promise<Told> {
  const [from] = await source.query<Size>(SIZE)
  const [to] = await standby.query<Size>(SIZE)
  if (from === undefined || to === undefined) throw new Error('a server does not say how large it is')
  const free = asked.dataBytesFree.standby
  if (free === null) return { findings: [], notKnown: [{ side: 'standby', why: NOT_TOLD }] }
  const sizes = { data: from.bytes, held: asked.prepared ? to.bytes : 0, log: to.logMax * MEGABYTE }
  const room = roomForData({ ...sizes, free })
  if (room === 'enough') return NOTHING
  const { bytesFreeLater: later } = asked
  const slowly = room === 'none' && later !== null && roomForData({ ...sizes, free: later }) !== 'none'
  return {
    findings: [
      {
        severity: room === 'none' && !slowly ? 'blocks' : 'warning',
        side: 'standby',
        object: null,
        message: `The standby has an estimated ${bytes(free)} free, and the source's database has ${bytes(from.bytes)}.`,
        why: slowly ? SLOWLY : room === 'none' ? FILLS : TIGHT,
        command: '-- a larger disk for the standby, or growTo in the fleet file',
      },
    ],
  }
}

async function ofSource({ source, asked }: Look): Promise<Told> {
  const [size] = await source.query<Size>(SIZE)
  const free = asked.dataBytesFree.source
  return {
    findings: [
      ...(size === undefined ? [] : kept(size.keepMax, asked.retainedBytesMax, source.cloud)),
      ...filled(free, asked.retainedBytesMax),
    ],
    notKnown: free === null ? [{ side: 'source', why: NOT_TOLD }] : [],
  }
}

function filled(free: number | null, retainedBytesMax: number): Omit<PreflightFinding, 'check'>[] {
  if (free === null || retainedBytesMax < free) return []
  return [
    {
      severity: 'blocks',
      side: 'source',
      object: null,
      message: `The standby's slot may hold back ${bytes(retainedBytesMax)} of log, and the source has an estimated ${bytes(free)} free.`,
      why: 'A standby that stands still would fill the source’s disk, and stop it, before its slot is dropped.',
      command: '-- a lower limit for it in the fleet file, or a larger disk for the source',
    },
  ]
}

/** The server's own limit is the last resort where nobody looks; before that the slot is dropped by whoever watches. */
function kept(keepMax: number, retainedBytesMax: number, cloud: Look['source']['cloud']): Omit<PreflightFinding, 'check'>[] {
  const wanted = Math.ceil((2 * retainedBytesMax) / MEGABYTE)
  const about = { side: 'source', object: null, command: toSet(cloud, 'max_slot_wal_keep_size', wanted, false) } as const
  if (keepMax < 0) {
    return [
      {
        ...about,
        severity: 'note',
        message: 'The source itself limits no slot (max_slot_wal_keep_size is -1).',
        why: `Only whoever watches drops the standby's slot, at ${bytes(retainedBytesMax)}: while nobody does, it grows.`,
      },
    ]
  }
  if (keepMax * MEGABYTE >= retainedBytesMax) return []
  return [
    {
      ...about,
      severity: 'warning',
      message: `The source cuts slots off at ${bytes(keepMax * MEGABYTE)} (max_slot_wal_keep_size), before the ${bytes(retainedBytesMax)} that were declared.`,
      why: 'A standby that is so far behind has to be seeded anew, sooner than was meant.',
    },
  ]
}

export const DISK_ROOM: Check = { id: 'disk-room', questions: [ofStandby, ofSource] }
