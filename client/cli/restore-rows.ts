/** `capstan restore DATABASE --rows TABLE`: rows that were lost come back into the database. */
import { type Command, Option } from 'commander'
import { failure } from '../../contracts/failures'
import { RECOVER_ROWS_DOCUMENTS } from '../../contracts/recover-rows'
import { RESTORE_DOCUMENTS, type RestorePlan } from '../../contracts/restore'
import { prepareRecoverRows, type RowsQuestion, startRecoverRows } from '../start-recover-rows'
import type { CliContext } from './context'
import { type LaunchOptions, launch } from './launch'
import { someText } from './options'
import { rowsPlanLines, type TablesDocument } from './render/recover-rows'
import { several } from './two-databases'

interface RowsOptions extends LaunchOptions {
  readonly rows?: readonly string[]
  readonly schema?: readonly string[]
  readonly where?: string
  readonly fireTriggers?: boolean
  readonly published?: boolean
  readonly wasDormant?: boolean
}

type RowsAsked = Omit<RowsQuestion, 'fleetFile' | 'database' | 'point'>

export function addRowsOptions(command: Command): void {
  command
    .addOption(tables('--rows <table>', 'bring lost rows of this table back, as schema.table; may be repeated'))
    .addOption(tables('--schema <name>', 'of all tables in this schema; may be repeated'))
    .option('--where <sql>', 'only rows of the copy for which this is true; with one table', someText)
    .option('--fire-triggers', 'triggers of the tables may run for what comes back')
    .option(
      '--published',
      'a publication of all tables may carry the staged rows on: subscribers have these tables, or there are none',
    )
}

const tables = (flags: string, what: string): Option => new Option(flags, what).argParser(several).default([], 'none')

/** Null: a copy is wanted. Throws OPTION_INVALID for options that say something of rows where none are asked for. */
export function rowsAsked(options: RowsOptions): RowsAsked | null {
  const { rows: tables = [], schema: schemas = [], where = null, fireTriggers, published, wasDormant } = options
  if (tables.length + schemas.length > 0) {
    const allowed = { fireTriggers: fireTriggers === true, published: published === true, wasDormant: wasDormant === true }
    return { tables, schemas, where, ...allowed }
  }
  const stray = where !== null ? 'where' : fireTriggers ? 'fire-triggers' : published ? 'published' : null
  if (stray === null) return null
  throw failure(
    'OPTION_INVALID',
    `--${stray} says something of rows that come back, and none are asked for: name their table with --rows.`,
    {
      option: stray,
    },
  )
}

/** What `--plan` shows: the copy, and what the database says of the tables. */
interface RowsPlan {
  readonly restore: RestorePlan
  readonly tables: TablesDocument
}

export async function bringRowsBack(cli: CliContext, options: RowsOptions, asked: RowsQuestion): Promise<void> {
  const bundle = await prepareRecoverRows(asked)
  const { name, environment, instance } = bundle.database
  const { point, tables, schemas } = bundle.rows
  const whence = point.kind === 'snapshot' ? `snapshot ${point.snapshot}` : `the moment ${point.at}`
  const what = [...tables, ...schemas.map((schema) => `schema ${schema}`)].join(', ')
  await launch<RowsPlan>(cli, options, {
    question: `Bring lost rows of ${what} back into ${name} (${environment}, instance ${instance}), out of ${whence}?`,
    start: (doors, request) => startRecoverRows(doors, { ...request, bundle }),
    planOf: async (ledger, operation) => {
      const restore = (await ledger.getDocument({ operation, name: RESTORE_DOCUMENTS.plan })) as RestorePlan | null
      const found = (await ledger.getDocument({ operation, name: RECOVER_ROWS_DOCUMENTS.tables })) as TablesDocument | null
      return restore === null || found === null ? null : { restore, tables: found }
    },
    planLines: (plan) => rowsPlanLines(plan.restore, plan.tables, { entry: bundle.database, paint: cli.paint }),
  })
}
