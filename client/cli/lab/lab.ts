/** `capstan lab`: the simulated clouds of the embedded default, or those that `--lab` names. */
import { type Command, Option } from 'commander'
import { labOf } from '../../config'
import { askLab, type LabRequest } from '../../lab'
import type { CliContext } from '../context'

export interface LabOptions {
  readonly lab?: string
  readonly json?: boolean
}

export const labOption = (): Option => new Option('--lab <url>', 'the lab’s API (default: the embedded default’s)')

/** The lab's answer, of the shape that its API promises. */
export async function ask<Answer>(cli: CliContext, options: LabOptions, request: LabRequest): Promise<Answer> {
  return (await askLab(labOf(cli.settings, options.lab), request)) as Answer
}

/** One command per file beside this one. */
export type AddCommand = (lab: Command, cli: CliContext) => void
