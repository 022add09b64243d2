import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CliContext } from '../../client/cli/context'
import { createProgram } from '../../client/cli/program'
import { VIGILANCE } from '../../client/health-watch'
import { isFailureCode } from '../../contracts/failures'

const page = readFileSync(join(__dirname, '../../docs/troubleshooting.md'), 'utf8')
const program = createProgram(new CliContext({ colour: false } as CliContext['io'], {}, VIGILANCE))

/** In code spans, and in indented lines up to the explanation that stands beside them. */
function commandsOf(text: string): string[] {
  const spans = [...text.matchAll(/`(capstan [^`]+)`/g)].map(([, command = '']) => command)
  const lines = [...text.matchAll(/^ {4}(capstan .+?)(?: {2,}.*)?$/gm)].map(([, command = '']) => command)
  return [...new Set([...spans, ...lines])]
}

test.each(commandsOf(page))('%s is a command that there is', (line) => {
  const [, ...words] = line.match(/"[^"]*"|\S+/g) ?? []
  let command: Command = program
  let at = 0
  for (; at < words.length; at += 1) {
    const next = command.commands.find((one) => one.name() === words[at])
    if (next === undefined) break
    command = next
  }
  expect(command).not.toBe(program)
  const rest = words.slice(at)
  const known = command.options.flatMap(({ long, short }) => [long, short])
  for (const option of rest.filter((word) => word.startsWith('-'))) expect(known).toContain(option)
  for (const [position, { required, argChoices }] of command.registeredArguments.entries()) {
    if (required) expect(rest.length).toBeGreaterThan(position)
    if (argChoices !== undefined) expect(argChoices).toContain(rest[position])
  }
})

test('every code on the page is one of the closed table', () => {
  const codes = [...page.matchAll(/\[([A-Z_, ]+)\]/g)].flatMap(([, list = '']) => list.split(', '))
  expect(codes.length).toBeGreaterThan(15)
  for (const code of codes) expect([code, isFailureCode(code)]).toEqual([code, true])
})
