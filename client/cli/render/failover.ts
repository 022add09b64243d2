/** What a failover would do, for people: what may be lost first, and who has to agree. */
import type { FailoverPlan, Probe, Probed } from '../../../contracts/failover'
import type { DatabaseEntry } from '../../../contracts/fleet'
import { counted, grouped } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { findingLines } from './switchover'

interface View {
  readonly paint: Paint
  readonly columns: number
}

export function failoverPlanLines(plan: FailoverPlan, entry: Pick<DatabaseEntry, 'name'>, view: View): string[] {
  const { paint } = view
  const { source, standby, endpointAt, probed, asks } = plan
  const leads =
    endpointAt === null
      ? 'nobody can be asked where applications are led: a person moves them'
      : `moves the endpoint from ${oneLine(endpointAt.host)}:${endpointAt.port} to ${oneLine(standby.host)}:${standby.port}`
  return [
    `${paint('bold', `plan to open the standby of ${entry.name}`)}  ${oneLine(standby.instance)} (${oneLine(standby.engineVersion)}) becomes the writer instead of ${oneLine(source.instance)}`,
    `  the source is ${paint('bold', probed.verdict)}${placesOf(probed)}; ${oneLine(probed.cloudSays)}`,
    ...probed.probes.map(probeLine),
    ...lossLines(plan, view),
    `  ${leads}`,
    `  ${asks === null ? 'nobody is asked: what may be lost was allowed beforehand' : `somebody else has to approve it: ${oneLine(asks)}`}`,
    '',
    `  ${plan.blocks.length === 0 ? 'nothing stands in the way' : `${counted(plan.blocks.length, 'finding')} in the way: nothing is changed before`}`,
    ...plan.blocks.flatMap((finding) => findingLines(finding, paint('red', '✘'), view)),
    ...plan.warnings.flatMap((finding) => findingLines(finding, paint('yellow', '▲'), view)),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

export const placesOf = ({ asked }: Probed): string =>
  asked === undefined ? '' : `, silent to ${asked.silent} of ${counted(asked.places, 'different place')} of the network`

export const probeLine = ({ from, outcome, said, rounds }: Probe): string =>
  `    ${oneLine(from)}: ${outcome}, ${oneLine(said)}${rounds === 0 ? '' : ` (${counted(rounds, 'round')})`}`

const LATER = '  more where the source writes on until it is proven fenced, for which its cloud has the time of --fence-within'

function lossLines({ exposure, probed, fencedAt, uncarried = [] }: FailoverPlan, { paint }: View): string[] {
  const besides = uncarried.map((one) => `  ${paint('bold', 'besides')}, ${oneLine(one)}`)
  if (probed.verdict === 'healthy')
    return [
      '  nothing is to be lost that goes to a standby: the source is closed and drained first, or it is left alone',
      ...besides,
    ]
  const { beat, lossMsMax, heard, missingBytesMin } = exposure
  const kept =
    beat === null || lossMsMax === null
      ? paint(
          'red',
          `  nobody knows what may be lost: ${beat === null ? 'no beat of the source has ever come' : `its last beat is of ${beat.at}, which is later than our own clock says`}`,
        )
      : `  the standby has all that was committed before ${beat.at}; ${paint('bold', `up to ${seconds(lossMsMax)} of writes may be lost`)}`
  const known =
    heard === null
      ? '  nobody has heard the source since it is watched'
      : `  the source was heard last at ${heard.at}${missingBytesMin === null ? '' : `; of its log until then ${grouped(missingBytesMin)} bytes are not known to have come`}`
  const isReckoned = fencedAt !== undefined || beat === null || lossMsMax === null
  return [kept, ...(isReckoned ? [] : [LATER]), known, ...besides]
}

export const seconds = (ms: number): string => `${(ms / 1_000).toLocaleString('en-US', { maximumFractionDigits: 1 })} s`
