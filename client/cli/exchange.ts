/** `capstan switchover SOURCE` where the other side is a read replica of the same cloud's: the cloud exchanges both. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../contracts/exchange'
import { failure } from '../../contracts/failures'
import { type ExchangeBundle, startExchange } from '../start-exchange'
import type { CliContext } from './context'
import { type LaunchOptions, launch } from './launch'
import { exchangePlanLines } from './render/exchange'

/** Fails with OPTION_INVALID. */
export function refuseComparing(name: string, option: 'rehearse' | 'compare-within'): never {
  const message = `--${option} compares rows, and ${name} is a read replica that its cloud keeps, which holds the very blocks of its source: leave it out, and look with --plan.`
  throw failure('OPTION_INVALID', message, { option, database: name })
}

export async function launchExchange(cli: CliContext, options: LaunchOptions, bundle: ExchangeBundle): Promise<void> {
  await launch<ExchangePlan>(cli, options, {
    question: questionOf(bundle),
    start: (doors, request) => startExchange(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.plan })) as ExchangePlan | null,
    planLines: (plan) => exchangePlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
  })
}

function questionOf({ database, exchange: { standby } }: ExchangeBundle): string {
  const source = `${database.name} (${database.environment}, instance ${database.instance})`
  return `Have ${database.cloud} exchange ${source} with its read replica ${standby.name} (instance ${standby.instance})? Everybody is disconnected, and there is no writer until it has.`
}
