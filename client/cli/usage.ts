/** A mistyped command line in our words: what was found, what is known, what to write. Commander's own messages say it in another tone. */
import type { CommanderError } from 'commander'
import { cutInput, shownInput } from '../shown-input'

type Rewrite = readonly [pattern: RegExp, sentence: (...parts: string[]) => string]

/** By commander's code. A message that fits no pattern of its code stays as it is, with a capital and a full stop. */
const REWRITES: Readonly<Record<string, Rewrite>> = {
  'commander.unknownCommand': [
    /^unknown command '([\s\S]*?)'(?:\n\(Did you mean ([\s\S]*)\?\))?$/,
    (name = '', meant = '') => `There is no command ${shownInput(name)}${orListed(meant, 'those that there are')}`,
  ],
  'commander.unknownOption': [
    /^unknown option '([\s\S]*?)'(?:\n\(Did you mean ([\s\S]*)\?\))?$/,
    (flag = '', meant = '') => `There is no option ${shownInput(flag)}${orListed(meant, 'those of this command')}`,
  ],
  'commander.missingArgument': [
    /^missing required argument '(.*)'$/,
    (name) => `The argument <${name}> is missing; "--help" shows what belongs there.`,
  ],
  'commander.excessArguments': [
    /^too many arguments for '(.*)'\. Expected (\d+) arguments? but got (\d+)\.$/,
    (command, expected, got) =>
      `"${command}" takes ${expected === '0' ? 'no argument' : `${expected} argument${expected === '1' ? '' : 's'}`} and was given ${got}; "--help" shows how it is used.`,
  ],
  'commander.optionMissingArgument': [
    /^option '(?:-\w, )?(\S+) (.*)' argument missing$/,
    (flag, value) => `${flag} needs its value: write ${flag} ${value}.`,
  ],
  'commander.missingMandatoryOptionValue': [
    /^required option '(?:-\w, )?(\S+) (.*)' not specified$/,
    (flag, value) => `${flag} is missing: write ${flag} ${value}.`,
  ],
  'commander.conflictingOption': [
    /^option '(\S+).*' cannot be used with option '(\S+).*'$/,
    (one, other) => `${one} and ${other} are both given; leave one of them out.`,
  ],
  'commander.invalidArgument': [
    /^(?:option '(?:-\w, )?(\S+).*?' argument|command-argument value) '([\s\S]*)' is invalid(?: for argument '(\w+)')?\. ([\s\S]*)$/,
    (flag = '', value = '', argument = '', rule = '') => `${flag || `<${argument}>`} is ${shownInput(value)}; ${ruleOf(rule)}`,
  ],
}

export function usageSentence({ code, message }: CommanderError): string {
  const text = message.replace(/^error: /, '')
  const [pattern, sentence] = REWRITES[code] ?? []
  const found = pattern?.exec(text)
  if (found && sentence) return sentence(...found.slice(1).map((part) => part ?? ''))
  const line = cutInput(text.replaceAll('\n', ' '))
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.?]$/.test(line) ? '' : '.'}`
}

function orListed(meant: string, listed: string): string {
  return meant === '' ? `; "--help" lists ${listed}.` : `; did you mean ${meant}?`
}

/** As options.ts has them, or commander's own about choices. */
function ruleOf(rule: string): string {
  const choices = /^Allowed choices are (.*)\.$/.exec(rule)?.[1]
  return choices === undefined ? `${rule.charAt(0).toLowerCase()}${rule.slice(1)}` : `it must be one of ${choices}.`
}
