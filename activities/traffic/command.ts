/** An endpoint that a program of the worker's operator moves: a name in a DNS, the target of a load balancer, a pooler's configuration. What it
 *  is told and what it has to keep: docs/endpoints.md. */
import type { Endpoint, HostPort } from '../../contracts/endpoint'
import { type Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { printable } from '../../postgres/printable'
import { currentAct } from '../act'
import type { EndpointAccess } from '../deps'
import { type EndpointMove, type EndpointPort, parsePlace } from './port'
import { type ProgramEnd, runProgram } from './run-program'

type Command = Extract<Endpoint, { readonly kind: 'command' }>

/** sysexits(3), EX_TEMPFAIL: the same call may succeed later. */
const TRY_AGAIN = 75

export interface CommandAt {
  readonly access: EndpointAccess
  /** The fleet file's name of the database. */
  readonly database: string
  readonly signal: AbortSignal
}

export function commandEndpoint({ move, check, timeoutMs }: Command, { access, database, signal }: CommandAt): EndpointPort {
  const run = async (argv: readonly string[], operation: OperationId, told: Readonly<Record<string, string>>) => {
    const { commands } = access
    if (commands === null) {
      const message =
        'The fleet file moves the endpoint by a command, and this worker runs none: set its CAPSTAN_ENDPOINT_COMMANDS.'
      throw failure('ENDPOINT_REFUSED', message)
    }
    const env = {
      PATH: commands.path,
      LANG: 'C.UTF-8',
      CAPSTAN_OPERATION: operation,
      CAPSTAN_DATABASE: database,
      // one that outlives its worker must not act later, beside whoever came after it
      CAPSTAN_DEADLINE: new Date(Date.now() + timeoutMs).toISOString(),
      ...told,
    }
    const ended = await runProgram({ folder: commands.folder, argv, env, timeoutMs, signal })
    if (ended.code !== 0) throw notDone(argv[0] ?? '', ended, timeoutMs)
    return ended
  }
  return {
    async whereTo(operation): Promise<HostPort> {
      const { stdout } = await run(check, operation, { CAPSTAN_ACTION: 'check' })
      const line = stdout.trim().split('\n').at(-1) ?? ''
      const at = parsePlace(line)
      if (at !== null) return at
      logSaid(check[0] ?? '', 0, line)
      const message = `The program ${check[0]} has to print where the endpoint leads, as host:port, and printed something else: this worker’s log has it.`
      throw failure('ENDPOINT_REFUSED', message, { program: check[0] ?? null })
    },
    async move({ from, to, operation, direction }: EndpointMove) {
      await run(move, operation, {
        CAPSTAN_ACTION: 'move',
        CAPSTAN_DIRECTION: direction,
        CAPSTAN_FROM_HOST: from.host,
        CAPSTAN_FROM_PORT: String(from.port),
        CAPSTAN_TO_HOST: to.host,
        CAPSTAN_TO_PORT: String(to.port),
      })
    },
  }
}

function notDone(program: string, { code, stderr, stdout }: ProgramEnd, timeoutMs: number): Failure {
  logSaid(program, code, stderr.trim() || stdout.trim())
  const facts = { program, exit: code }
  if (code === null) {
    const message = `The program ${program} had not ended after ${timeoutMs / 1000} s, and was ended. ${WHERE_SAID}`
    return failure('ENDPOINT_UNREACHABLE', message, facts)
  }
  const again = code === TRY_AGAIN
  const message = `The program ${program} ended with status ${code}${again ? ', which asks to try again' : ''}. ${WHERE_SAID}`
  return failure(again ? 'ENDPOINT_UNREACHABLE' : 'ENDPOINT_REFUSED', message, facts)
}

const WHERE_SAID = 'What it said is in the log of this worker.'
const SAID_MAX = 500

/** A program that fails may print what it was called with, or its credential: failures are kept in histories and in the ledger, and do not have it. */
function logSaid(program: string, exit: number | null, text: string): void {
  const said = printable(text.length > SAID_MAX ? `…${text.slice(-SAID_MAX)}` : text)
  currentAct().log?.('a program of an endpoint said', { program, exit, said })
}
