/** The network between two clouds: the connections that servers of the one open to servers of the other, such as subscriptions. What
 *  programs of their own open is none of that, wherever they run. How it is done: lab/links/. */
import type { Fault } from '../fault'
import { oneOf, timeWithin } from '../kind'
import type { PlainKind } from './acting'

export const CUT_LINK = 'cut-link'
export const SLOW_LINK = 'slow-link'

const CLOUDS = ['aws', 'azure', 'gcp'] as const
const WAYS = ['both', 'one'] as const

const LINKS = {
  strikes: 'links',
  operations: null,
  times: null,
  takesDelay: false,
  settings: {
    from: { ...oneOf(CLOUDS), required: true },
    to: { ...oneOf(CLOUDS), required: true, differsFrom: 'from' },
    ways: oneOf(WAYS, 'both'),
  },
} as const

export const cutLink: PlainKind = {
  ...LINKS,
  summary:
    'connections between servers of the clouds --from and --to are ended, and new ones come to nothing (--ways both, or one)',
}

export const slowLink: PlainKind = {
  ...LINKS,
  summary: 'what is answered on connections between servers of the clouds --from and --to waits for up to --latency (200ms)',
  settings: { ...LINKS.settings, latency: timeWithin(2_000, 200) },
}

/** Who opens a connection, and who is asked. */
export interface Way {
  readonly from: string
  readonly to: string
}

export function waysOf({ settings }: Fault): readonly Way[] {
  const way = { from: String(settings.from), to: String(settings.to) }
  return settings.ways === 'one' ? [way] : [way, { from: way.to, to: way.from }]
}
