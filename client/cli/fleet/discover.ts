/** `capstan fleet discover`: what a cloud's account holds, as a fleet file to be completed by a person. Asks the cloud and nobody else, and
 *  changes nothing there. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { failure } from '../../../contracts/failures'
import { type DiscoverOptions, questionOf } from '../../fleet/discover/ask-cloud'
import { type SortedOut, sortOut } from '../../fleet/discover/sort-out'
import type * as Writing from '../../fleet/discover/write-fleet'
import { counted } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { harmless } from '../render/quoted'

interface Options extends DiscoverOptions {
  readonly output?: string
  readonly force?: boolean
  readonly json?: boolean
}

const regions = (text: string, before: readonly string[] = []): string[] => [
  ...new Set([...before, ...text.split(',').map((word) => word.trim())]),
]

export function addFleetDiscover(fleet: Command, cli: CliContext): void {
  fleet
    .command('discover')
    .description(
      'Write a fleet file out of what an account holds, with placeholders where a person has to decide. Only asks; changes nothing.',
    )
    .option('--aws', 'RDS and Aurora, as the AWS SDK finds its credentials: environment, profile, role')
    .option('--azure', 'flexible servers, as the vendor’s default chain finds its credentials: environment, identity, az login')
    .option('--gcp', 'Cloud SQL, with the application default credentials')
    .option(
      '--region <names>',
      'only these; commas between, or the option again (AWS without it: the region that the SDK finds)',
      regions,
    )
    .option('--subscription <id>', 'of Azure (default: AZURE_SUBSCRIPTION_ID)')
    .option('--resource-group <name>', 'of Azure (default: all of the subscription)')
    .option('--project <id>', 'of Google Cloud (default: GOOGLE_CLOUD_PROJECT)')
    .option('--output <file>', 'write it there, unless there is such a file (default: standard output)')
    .option('--force', 'overwrite the file that is there')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan fleet discover --aws --region eu-central-1,us-east-1 --output fleet.yaml',
        'capstan fleet discover --azure --subscription 6f1c2b1e-0d5a-4a53-9c35-1f6f0c4b7f10',
        'capstan fleet discover --gcp --project shop-production',
      ),
    )
    .action(async (options: Options) => {
      const { asked, ask } = questionOf(options, cli.settings.clouds)
      const stop = new AbortController()
      const forget = cli.io.onInterrupt(() => stop.abort(failure('OPERATION_ABORTED', 'Interrupted; nothing was written.')))
      const sorted = sortOut(await ask(stop.signal).finally(forget))
      await tell(cli, sorted, asked, options)
    })
}

async function tell(cli: CliContext, sorted: SortedOut, asked: string, { output, force, json }: Options): Promise<void> {
  // The YAML library takes longer to load than most commands to run.
  const { leftOutLine, writeFleet } = require('../../fleet/discover/write-fleet') as typeof Writing
  const text = writeFleet(sorted, asked)
  if (output !== undefined) await write(output, text, force === true)
  if (json) return cli.json(documentOf(sorted, text, output))
  const { databases, leftOut } = sorted
  if (output === undefined) cli.io.out(harmless(text))
  else {
    cli.lines([
      `${output}: ${counted(databases.length, 'database')} of ${asked}.`,
      `Decide what says "decide" there, then: capstan fleet check --fleet ${output}`,
    ])
  }
  // In the file as well, which may be read by nobody for a while.
  if (leftOut.length > 0) cli.io.err(harmless(`Left out:\n${leftOut.map((one) => ` ${leftOutLine(one)}\n`).join('')}`))
}

function documentOf({ databases, leftOut }: SortedOut, text: string, output: string | undefined): object {
  return {
    version: 1,
    file: output === undefined ? null : path.resolve(output),
    databases,
    leftOut,
    fleet: text,
  }
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  await writeFile(file, text, { flag: force ? 'w' : 'wx' }).catch((error: NodeJS.ErrnoException) => {
    const message =
      error.code === 'EEXIST'
        ? `${file} is there already and was left as it is; name another file with --output, or overwrite it with --force.`
        : `${file} cannot be written (${error.code ?? error.message}); name another file with --output.`
    throw failure('OPTION_INVALID', message, { option: 'output', file })
  })
}
