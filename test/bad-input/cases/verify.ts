/** `capstan verify diff`. */
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
  return { title, exit, code, names, given: (world) => ({ args: ['verify', 'diff', ...args(world)] }) }
}

/** Both sides; what is given beside them is what is wrong. */
const same =
  (...more: readonly string[]) =>
  (world: World) => [world.databaseUrl, world.databaseUrl, ...more]

export const VERIFY: readonly BadInput[] = [
  asked('one database only', '<target>', ({ databaseUrl }) => [databaseUrl]),
  asked('a source of another kind', 'mysql', ({ databaseUrl }) => [`mysql://boss:${SECRET}@db/shop`, databaseUrl]),
  asked('a target without a host', 'target’s URL', ({ databaseUrl }) => [databaseUrl, 'postgres:///shop']),
  asked('a table that there is not', '--table', same('--table', 'ordres')),
  asked('a table left out that there is not', '--exclude', same('--exclude', 'ordres')),
  asked('no connections at all', '--jobs', same('--jobs', '0')),
  asked('more connections than anybody should', '--jobs', same('--jobs', '33')),
  asked('the same database twice', 'same database', same()),
  asked('a slot without --live', '--live', same('--slot', 'copies')),
  asked('a target that does not follow', '--slot', (world) => [world.ledgerUrl, world.databaseUrl, '--live'], 'DATABASE_REFUSED'),
]
