/** `capstan scout`. */
import type { FailureCode } from '../../../contracts/failures'
import { FAILURE_KINDS, FAILURES } from '../../../contracts/failures'
import { type BadInput, SECRET } from '../support/bad-input'
import { instead, type World } from '../support/world'

function asked(
  title: string,
  names: string,
  args: readonly string[] | ((world: World) => readonly string[]),
  code: FailureCode = 'OPTION_INVALID',
): BadInput {
  return {
    title,
    exit: FAILURE_KINDS[FAILURES[code]].exit,
    code,
    names,
    given: (world) => {
      // before the arguments, which may say what else the file holds
      const env = { CAPSTAN_FLEET: world.fleet(), SHOP_ADMIN: SECRET }
      return { args: ['scout', ...(typeof args === 'function' ? args(world) : args)], env }
    },
  }
}

/** The fleet file that says where its database is. */
const hosted = ({ fleet }: World) => ['shop', '--fleet', fleet(instead('port: 5432', 'host: localhost, port: 5432'))]
const onServer = (url: URL, part: Partial<Pick<URL, 'pathname' | 'password' | 'port'>>) => [
  '--url',
  Object.assign(url, part).href,
]

export const SCOUT: readonly BadInput[] = [
  asked('nothing to look at', '--all', []),
  asked('a mistyped database', 'did you mean shop?', ['shpo'], 'DATABASE_UNKNOWN'),
  asked('a database and all of them', '--all', ['shop', '--all']),
  asked('a database and a URL', '--url', ['shop', '--url', `postgres://boss:${SECRET}@db.internal/shop`]),
  asked('all of them and a URL', '--url', ['--all', '--url', 'postgres://boss@db.internal/shop']),
  asked('a fleet file and a URL', '--url', ['--fleet', 'fleet.yaml', '--url', 'postgres://boss@db.internal/shop']),
  asked('two databases', 'scout', ['shop', 'orders']),
  asked('an empty URL', '--url', ['--url', '']),
  asked('a URL in the place of a name', '--url', [`postgres://boss:${SECRET}@db.internal/shop`]),
  asked('a URL of another database', 'mysql', ['--url', `mysql://boss:${SECRET}@db.internal/shop`]),
  asked('a fleet file that says no host, and no Temporal', 'connections.admin.host', ['shop'], 'TEMPORAL_UNREACHABLE'),
  asked('workers for a URL', '--by-workers', ['--by-workers', '--url', 'postgres://boss@db.internal/shop']),
  asked('a password that is not allowed', 'CAPSTAN_SECRET_VARIABLES', hosted, 'SECRET_UNRESOLVED'),
  asked(
    'a server that does not answer',
    '<nobody>',
    ({ databaseUrl, deadPort }) => onServer(new URL(databaseUrl), { port: String(deadPort) }),
    'DATABASE_UNREACHABLE',
  ),
  asked(
    'a wrong password',
    'password',
    ({ databaseUrl }) => onServer(new URL(databaseUrl), { password: SECRET }),
    'CREDENTIALS_REJECTED',
  ),
  asked(
    'a database that is not there',
    'warehouse',
    ({ databaseUrl }) => onServer(new URL(databaseUrl), { pathname: 'warehouse' }),
    'DATABASE_UNKNOWN',
  ),
]
