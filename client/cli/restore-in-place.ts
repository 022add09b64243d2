/** `capstan restore DATABASE --snapshot NAME --in-place`: the instance itself is overwritten. */
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { OVERWRITE_DOCUMENTS, type OverwritePlan } from '../../contracts/overwrite'
import { prepareOverwrite, startOverwrite } from '../start-overwrite'
import type { CliContext } from './context'
import { type LaunchOptions, launch } from './launch'
import { overwritePlanLines } from './render/overwrite'

export function addInPlaceOption(command: Command): Command {
  return command.option(
    '--in-place',
    'overwrite the instance itself, on Google Cloud alone, after a fresh backup and an approval: what was committed since the snapshot leaves it',
  )
}

/** A fresh backup is the way back: a week, unless somebody says otherwise. */
const KEEP_HOURS = 24 * 7

/** Options that an overwriting would not hear, each with why. */
const UNHEARD: Readonly<Record<string, string>> = {
  to: 'no cloud restores a moment into the instance itself: name a snapshot, or restore the moment with --as replacement.',
  deleted: 'an instance that is gone cannot be overwritten: leave one of both out.',
  region: 'an instance is overwritten where it is: leave one of both out.',
  as: 'an instance that is overwritten stays where it is: leave one of both out.',
  wasDormant: 'no copy is made that could act: leave it out.',
  oldIsGone: 'an instance that is gone cannot be overwritten: restore it with --as replacement.',
  acceptLaterWrites: 'whatever came to be since the snapshot leaves the instance: leave it out.',
  compareFor: 'nothing is compared: a copy beside the instance, or --as replacement, tells which rows are lost.',
  rows: 'all rows come back, and those written since go: leave one of both out.',
  schema: 'all rows come back, and those written since go: leave one of both out.',
  where: 'all rows come back, and those written since go: leave it out.',
  fireTriggers: 'no trigger fires: leave it out.',
  published: 'no row is written by a statement: leave it out.',
}

export interface InPlaceOptions extends LaunchOptions {
  readonly snapshot?: string
  readonly keep: number
}

/** What was asked for. Fails with OPTION_INVALID. */
function askedOf(command: Command, { snapshot, keep }: InPlaceOptions): { snapshot: string; keepHours: number } {
  for (const [name, why] of Object.entries(UNHEARD)) {
    if (command.getOptionValueSource(name) !== 'cli') continue
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw failure('OPTION_INVALID', `--${option} is given with --in-place, and ${why}`, { option })
  }
  if (snapshot === undefined) {
    const message = '--in-place overwrites the instance with a snapshot: name it with --snapshot.'
    throw failure('OPTION_INVALID', message, { option: 'in-place' })
  }
  return { snapshot, keepHours: command.getOptionValueSource('keep') === 'cli' ? keep : KEEP_HOURS }
}

export async function launchInPlace(
  cli: CliContext,
  command: Command,
  { fleetFile, database, options }: { fleetFile: string; database: string; options: InPlaceOptions },
): Promise<void> {
  const asked = askedOf(command, options)
  const bundle = await prepareOverwrite({ fleetFile, database, ...asked })
  const { name, environment, instance } = bundle.database
  await launch<OverwritePlan>(cli, options, {
    question: `Overwrite instance ${instance} of ${name} (${environment}) with snapshot ${asked.snapshot}, once that is approved?`,
    start: (doors, request) => startOverwrite(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: OVERWRITE_DOCUMENTS.plan })) as OverwritePlan | null,
    planLines: (plan) => overwritePlanLines(plan, bundle.database, cli.paint),
  })
}
