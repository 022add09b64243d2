/** What the commands that work between two databases by their URLs alone have in common. */
import { Failure, failure } from '../../contracts/failures'
import type { ConnectOptions } from '../../postgres/connect/connect-options'
import { parsePostgresUrl } from '../../postgres/connect/url'

/** Of two URLs the message has to say which one is meant. `password`: for a URL without one. */
export function endpointOf(
  side: 'source' | 'target' | 'from' | 'into',
  url: string,
  password: string | null,
  applicationName: string,
): ConnectOptions {
  try {
    const parsed = parsePostgresUrl(url, { applicationName })
    return { ...parsed, password: parsed.password || (password ?? '') }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const whose = side === 'from' || side === 'into' ? `URL of --${side}` : `${side}’s URL`
    throw failure(error.code, error.message.replace('database URL', whose), { argument: side })
  }
}

export function shownEndpoint({ host, port, database, user }: ConnectOptions) {
  return { host, port, database, user }
}

/** Collects an option that may be repeated. */
export function several(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
