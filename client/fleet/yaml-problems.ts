/** What YAML finds wrong, in words that say what to do. The parser's own repeat pieces of the text, which may be a password. */
import type { YAMLParseError } from 'yaml'

type Code = YAMLParseError['code']

const SENTENCES: Partial<Record<Code, string>> = {
  TAB_AS_INDENT: 'a tab stands in the indentation; use blanks',
  DUPLICATE_KEY: 'a field of this name stands above already; leave one of them out',
  BAD_INDENT: 'the indentation fits nothing above; put the fields of one group at the same column',
  MISSING_CHAR: 'a colon or a comma is missing here or just above; add it, or put the text in quotes',
  BAD_SCALAR_START: 'this text begins with a character that YAML keeps for itself; put the text in quotes',
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins no escape that YAML knows; write \\\\ or use single quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a field stands behind another on the same line; give each a line of its own, or put the text in quotes',
  BLOCK_IN_FLOW: 'a line with an indented group stands within brackets or braces; close them first',
  MULTILINE_IMPLICIT_KEY: "a field's name goes over several lines; put it on one, with its colon",
  UNEXPECTED_TOKEN: 'this stands where YAML allows nothing of the kind; check the quotes and brackets before it',
  BAD_ALIAS: 'an alias (*) stands where none can; put the text in quotes if it is meant to begin with *',
  RESOURCE_EXHAUSTION: 'groups are nested too deeply; a fleet file needs six levels',
}

/** What the parser keeps under one code. */
const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/^Missing closing/, 'a quote that was opened does not end; close it'],
  [/^Flow .*(?:end with|enclosed)/, 'a bracket or a brace that was opened does not end; close it'],
  [/^Sequence item without -/, 'a line is indented unlike its neighbours; put the fields of one group at the same column'],
]

const ANYTHING_ELSE = 'this is not YAML; check the indentation, quotes and brackets here and just above'

export interface YamlProblem {
  /** In characters. */
  readonly offset: number
  readonly message: string
}

/** Fields given twice, each; of anything else only the first, since the rest follows from it. */
export function explainYaml(errors: readonly YAMLParseError[]): YamlProblem[] {
  const inOrder = [...errors].sort((a, b) => a.pos[0] - b.pos[0])
  const told = inOrder.every(({ code }) => code === 'DUPLICATE_KEY') ? inOrder : inOrder.slice(0, 1)
  return told.map(({ code, pos, message }) => {
    const known = BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1]
    return { offset: pos[0], message: known ?? SENTENCES[code] ?? ANYTHING_ELSE }
  })
}
