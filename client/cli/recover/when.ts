/** `capstan recover when`: which moment to restore to next, to find the last good one. Asks nobody: what was seen is told to it. */
import type { Command } from 'commander'
import { failure } from '../../../contracts/failures'
import { type Look, type SoughtAnswer, seekLastGood } from '../../../contracts/last-good'
import { EXIT } from '../../exit-codes'
import { counted, instant } from '../../quantities'
import type { CliContext } from '../context'
import { durationMs, example, jsonOption, since } from '../options'

interface WhenOptions {
  readonly earliest: string
  readonly latest: string
  readonly resolution: number
  readonly good: readonly string[]
  readonly bad: readonly string[]
  readonly json?: boolean
}

export function addRecoverWhen(recover: Command, cli: CliContext): void {
  recover
    .command('when')
    .summary('which moment to restore to next, to find the last good one')
    .description(
      'Halves the time in which it happened: restore a copy to the moment that it names, look whether the data is still good there, and tell what you saw with ' +
        '--good or --bad, until the two moments are as near as --resolution. Contacts nothing. Exit 1 when there is no such moment.',
    )
    .requiredOption('--earliest <time>', 'the earliest moment that can be restored, as 2026-11-23T03:00Z or 7d ago', since)
    .requiredOption('--latest <time>', 'the latest', since)
    .option('--resolution <time>', 'how near is near enough', durationMs, 60_000)
    .option('--good <time>', 'a copy as of this moment was good; may be repeated', moments, [])
    .option('--bad <time>', 'a copy as of this moment was not; may be repeated', moments, [])
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan recover when --earliest 2026-11-20T00:00Z --latest 2026-11-23T09:30Z --good 2026-11-20T00:00Z --bad 2026-11-23T09:30Z',
      ),
    )
    .action((options: WhenOptions) => when(cli, options))
}

const moments = (text: string, before: readonly string[]): string[] => [...before, since(text)]

function when(cli: CliContext, { earliest, latest, resolution, good, bad, json }: WhenOptions): void {
  if (earliest >= latest) {
    const message = `--earliest is ${earliest}, which is not before --latest, ${latest}: give the window in which it happened.`
    throw failure('OPTION_INVALID', message, { option: 'earliest' })
  }
  if (resolution < 1)
    throw failure('OPTION_INVALID', '--resolution is nothing; it must be at least 1ms.', { option: 'resolution' })
  const looksOf = (times: readonly string[], isGood: boolean): Look[] => times.map((at) => ({ at, good: isGood }))
  const answer = seekLastGood({
    earliest,
    latest,
    resolutionMs: resolution,
    looks: [...looksOf(good, true), ...looksOf(bad, false)],
  })
  cli.exit = answer.kind === 'look' || answer.kind === 'found' ? EXIT.success : EXIT.finding
  if (json) cli.json({ version: 1, ...answer })
  else cli.lines(linesOf(answer))
}

function linesOf(answer: SoughtAnswer): string[] {
  switch (answer.kind) {
    case 'look':
      return [
        `Restore a copy to ${instant(answer.at)}, and look whether it is good.`,
        `Then ask again, with --good ${answer.at} or --bad ${answer.at} added; ${counted(answer.looksLeft, 'look')} at most.`,
      ]
    case 'found':
      return [`Good at ${instant(answer.lastGood)}, and no longer at ${instant(answer.firstBad)}.`]
    case 'never-good':
      return [
        `It was not good at ${instant(answer.at)} already, so it never was in this window: look further back, or for something else.`,
      ]
    case 'still-good':
      return [`It is still good at ${instant(answer.at)}, so nothing happened in this window: look later, or for something else.`]
    case 'not-monotone':
      return [
        `It was not good at ${instant(answer.bad)} and good again at ${instant(answer.goodAgain)}: no single moment parts the two. Look for something that stays as it is once it happened.`,
      ]
  }
}
