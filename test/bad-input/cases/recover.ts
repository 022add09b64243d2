/** `capstan recover`. */
import type { FailureCode } from '../../../contracts/failures'
import { FAILURE_KINDS, FAILURES } from '../../../contracts/failures'
import { type BadInput, SECRET } from '../support/bad-input'
import type { World } from '../support/world'

function asked(
  title: string,
  names: string,
  args: (world: World) => readonly string[],
  code: FailureCode = 'OPTION_INVALID',
): BadInput {
  const exit = FAILURE_KINDS[FAILURES[code]].exit
  return { title, exit, code, names, given: (world) => ({ args: ['recover', ...args(world)] }) }
}

/** Both databases; what is given beside them is what is wrong. */
const rows =
  (...more: readonly string[]) =>
  ({ ledgerUrl, databaseUrl }: World) => ['rows', '--from', ledgerUrl, '--into', databaseUrl, ...more]
const when = (earliest: string, latest: string, ...more: readonly string[]) => [
  'when',
  '--earliest',
  earliest,
  '--latest',
  latest,
  ...more,
]

export const RECOVER: readonly BadInput[] = [
  asked('no copy', '--from', ({ databaseUrl }) => ['rows', '--into', databaseUrl, '--table', 'orders', '--plan']),
  asked('a copy of another kind', '--from', ({ databaseUrl }) => [
    'rows',
    '--from',
    `mysql://boss:${SECRET}@db/shop`,
    '--into',
    databaseUrl,
    '--table',
    'orders',
    '--plan',
  ]),
  asked('no table', '--table', rows('--plan')),
  asked('a table that nobody has', '--table', rows('--table', 'ordres', '--plan')),
  asked('a schema that the copy lacks', '--schema', rows('--schema', 'nowhere', '--plan')),
  asked('nobody to ask', '--yes', rows('--table', 'orders')),
  asked('half a digest', '--digest', rows('--table', 'orders', '--digest', 'abc123')),
  asked('the same database twice', '--from', ({ databaseUrl }) => [
    'rows',
    '--from',
    databaseUrl,
    '--into',
    databaseUrl,
    '--table',
    'orders',
    '--plan',
  ]),
  asked('a moment that is none', '--earliest', () => when('yesterday', '2026-11-23')),
  asked('a window that ends before it begins', '--earliest', () => when('2026-11-24', '2026-11-23')),
  asked('no resolution', '--resolution', () => when('2026-11-22', '2026-11-23', '--resolution', '0s')),
]
