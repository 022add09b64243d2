/** What would come back and what came back, for people: each table in a line, and below it whatever a person should know. */
import type {
  Outcome,
  RowRecoveryPlan,
  RowRecoveryResult,
  TablePlan,
  TableRecovered,
} from '../../../postgres/row-recovery/recovered'
import { counted } from '../../quantities'
import type { Paint } from '../io'
import { cutTo, oneLine } from './quoted'

interface Endpoint {
  readonly host: string
  readonly port: number
  readonly database: string
}

interface Screen {
  readonly paint: Paint
  readonly io: { columns(): number }
}

/** Keys that are told of many. */
const KEYS_MAX = 5

export function recoveryPlanLines(
  plan: RowRecoveryPlan,
  between: { readonly copy: Endpoint; readonly live: Endpoint },
  { paint, io }: Screen,
): string[] {
  const { copy, live, digest, underWay } = plan
  const foreign = copy.system !== null && live.system !== null && copy.system !== live.system
  return [
    `${shown(between.copy)} → ${shown(between.live)}`,
    `plan ${digest}${underWay ? ', under way: it goes on where it was cut off' : ''}`,
    ...(foreign ? [`  ${paint('yellow', '▲')} The copy is not of the live server: their system identifiers differ.`] : []),
    ...tablePlanLines(plan, { paint, columns: io.columns() }),
  ]
}

/** What would come back to each table, and what a person should know of it. */
export function tablePlanLines(
  { request, tables }: Pick<RowRecoveryPlan, 'request' | 'tables'>,
  { paint, columns: width }: { readonly paint: Paint; readonly columns: number },
): string[] {
  return tables.flatMap((table) => [
    `  ${paint('bold', cutTo(`${table.table}: ${counted(table.rows, 'row')} to bring back${keysOf(table, 'missing')}`, width - 2))}`,
    ...notes(table).map((line) => `      ${cutTo(line, width - 6)}`),
    ...warnings(table, request.fireTriggers).map((line) => `    ${paint('yellow', '▲')} ${cutTo(line, width - 6)}`),
  ])
}

const shown = ({ host, port, database }: Endpoint): string => oneLine(`${host}:${port}/${database}`)

function keysOf({ key, sample }: TablePlan, of: 'missing' | 'changed'): string {
  const keys = sample[of].slice(0, KEYS_MAX).map((values) => values.join(', '))
  return keys.length === 0 ? '' : ` (${key.join(', ')} = ${keys.join(' | ')}${sample[of].length > KEYS_MAX ? ' | …' : ''})`
}

function notes(table: TablePlan): string[] {
  const { leftOut, changed, defaults } = table
  return [
    ...(leftOut === 0 ? [] : [`${counted(leftOut, 'row')} more only in the copy, which --where leaves out`]),
    ...(changed === 0
      ? []
      : [`${counted(changed, 'row')} in both and not the same: left as they are${keysOf(table, 'changed')}`]),
    ...(defaults.length === 0 ? [] : [`columns that the copy lacks get their defaults: ${defaults.join(', ')}`]),
  ]
}

function warnings({ orphans, taken, triggers, sequencesBehind, rows }: TablePlan, fireTriggers: boolean): string[] {
  const fires = fireTriggers ? 'fires' : 'would fire, which needs --fire-triggers'
  return [
    ...orphans.map((one) => `${counted(one.rows, 'row')} without the row that ${one.columns.join(', ')} refers to (${one.name})`),
    ...taken.map((one) => `${counted(one.rows, 'row')} whose ${one.columns.join(', ')} is taken (${one.name})`),
    ...(rows === 0 ? [] : triggers.map((trigger) => `${trigger} ${fires}`)),
    ...sequencesBehind.map(({ sequence, at, brought }) => {
      const raise = `SELECT setval('${sequence.replaceAll("'", "''")}', ${brought})`
      return `${sequence} stands at ${at ?? 'its start'} and would give out values up to ${brought} once more: afterwards, ${raise}`
    }),
  ]
}

export function recoveredLines({ tables }: RowRecoveryResult, { paint, io }: Screen): string[] {
  return tables.flatMap((table) => {
    const { outcomes, sample } = table
    const missed = outcomes.refused + outcomes.orphan > 0
    const mark = missed ? paint('yellow', '▲') : paint('green', '✔')
    return [
      `${mark} ${cutTo(`${table.table}: ${whatOf(table)}`, io.columns() - 2)}`,
      ...sample.map(
        ({ outcome, key, why }) =>
          `    ${cutTo(`${WORDS[outcome]}: ${table.key.join(', ')} = ${key.join(', ')}${why === null ? '' : `: ${why}`}`, io.columns() - 4)}`,
      ),
    ]
  })
}

const WORDS = {
  brought: 'back',
  altered: 'back, but altered by a trigger',
  reappeared: 'there again already',
  refused: 'refused',
  orphan: 'without the row it refers to',
} as const satisfies Record<Outcome, string>

function whatOf({ rows, outcomes }: TableRecovered): string {
  const back = outcomes.brought + outcomes.altered
  const others = (['altered', 'reappeared', 'refused', 'orphan'] as const).filter((outcome) => outcomes[outcome] > 0)
  return [
    `${counted(back, 'row')} of ${rows.toLocaleString('en-US')} back`,
    ...others.map((one) => `${outcomes[one]} ${WORDS[one]}`),
  ].join(', ')
}
