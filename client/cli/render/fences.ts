/** The instances that are kept fenced, as the watch saw them last. */
import type { FencedInstance } from '../../../contracts/instance-fence'
import type { CloudFenceAlert } from '../../cloud-fence-alerts'
import { duration } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

const HEADINGS = ['INSTANCE', 'DATABASE', 'CLOUD', 'STATE', 'SINCE', 'MEANS', 'AGAIN', 'LOOKED', 'BY', 'REASON'] as const

type Shown = FencedInstance & { readonly alerts: readonly CloudFenceAlert[] }

export function fenceListLines(fences: readonly Shown[], { paint, now }: { paint: Paint; now: number }): string[] {
  if (fences.length === 0) return ['No instance is fenced through its cloud.']
  return [
    ...table(
      HEADINGS,
      fences.map((fence) => row(fence, now)),
      paint,
    ),
    ...fences.flatMap(({ alerts }) => alerts.map(({ message }) => `${paint('red', '✘')} ${oneLine(message)}`)),
  ]
}

const MEANS: Readonly<Record<FencedInstance['means'][number], string>> = { networks: 'closed', stop: 'stopped' }

function row(
  { instance, database, cloud, state, keep, since, means, reasserted, look, lifted, ...asked }: Shown,
  now: number,
): string[] {
  const by = lifted?.by ?? asked.requestedBy
  return [
    instance,
    database,
    cloud,
    keep === 'closed' && state === 'fenced' ? 'fenced, runs for us' : state,
    ago(since, now),
    means.map((one) => MEANS[one]).join(', ') || 'none',
    reasserted === 0 ? '' : `${reasserted} times`,
    look === null ? 'never' : `${ago(look.at, now)} ago`,
    by,
    lifted?.reason ?? asked.reason,
  ]
}

function ago(at: string, now: number): string {
  return duration(Math.max(0, now - Date.parse(at)))
}
