/** `capstan switchover SOURCE`, or `failover`, where the other side is a read replica of the same cloud's: the cloud exchanges both, or has the replica take over. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../contracts/exchange'
import { failure } from '../../contracts/failures'
import type { Cloud } from '../../contracts/fleet'
import { type ExchangeBundle, startExchange } from '../start-exchange'
import type { CliContext } from './context'
import { type LaunchOptions, launch } from './launch'
import { exchangePlanLines } from './render/exchange'

/** Fails with OPTION_INVALID. */
export function refuseComparing(name: string, option: 'rehearse' | 'compare-within'): never {
  const message = `--${option} compares rows, and ${name} is a read replica that its cloud keeps, which holds the very blocks of its source: leave it out, and look with --plan.`
  throw failure('OPTION_INVALID', message, { option, database: name })
}

export async function launchExchange(
  cli: CliContext,
  options: LaunchOptions,
  bundle: ExchangeBundle,
  clouds: readonly Cloud[] = [],
): Promise<void> {
  await launch<ExchangePlan>(cli, options, {
    question: questionOf(bundle),
    start: (doors, request) => startExchange(doors, { ...request, bundle, clouds }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.plan })) as ExchangePlan | null,
    planLines: (plan) => exchangePlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
  })
}

function questionOf({ database, exchange: { standby, takeOver } }: ExchangeBundle): string {
  const source = `${database.name} (${database.environment}, instance ${database.instance})`
  if (takeOver)
    return `Give ${source} up and have ${database.cloud} make its read replica ${standby.name} (instance ${standby.instance}) the writer? What the replica lacks is lost to applications, and nobody can take it back.`
  return `Have ${database.cloud} exchange ${source} with its read replica ${standby.name} (instance ${standby.instance})? Everybody is disconnected, and there is no writer until it has.`
}
