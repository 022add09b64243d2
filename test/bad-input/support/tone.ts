/** What can be checked of a sentence's tone by a machine. The rest is read in the snapshot. */
import { type BadInput, SECRET } from './bad-input'

interface ToneRule {
  readonly rule: string
  readonly keeps: (sentence: string) => boolean
  /** Not for what PostgreSQL says, which is repeated as it is. */
  readonly ofOurs?: true
}

/** Two lines of a wide terminal. */
const LENGTH_MAX = 320

/** What tells somebody what to do next, or what would be right. */
const ADVICE =
  /\b(must|did you mean|known|allowed|there (is|are)|it (holds|has)|one has|name|write|use|give|set|put|check|rename|remove|convert|repair|mend|split|close|choose|leave|look|shows?|lists?|needs?|expects?|wanted|start|starts with|only|enable|grant|run|try|end|wait|make|add|quote|decide|take|follows|named like|is written when)\b/i

const RULES: readonly ToneRule[] = [
  { rule: 'begins with a capital, a quote or the name of what is wrong', keeps: begins },
  { rule: 'ends with a full stop or a question mark', keeps: (text) => /[^\s.?…][.?]$|…[.]$/.test(text) },
  { rule: 'is short', keeps: (text) => text.length <= LENGTH_MAX },
  { rule: 'says what would be right', ofOurs: true, keeps: (text) => ADVICE.test(text) },
  {
    rule: 'does not call anything invalid and leave it at that',
    ofOurs: true,
    keeps: (text) => !/\b(invalid|illegal|bad|wrong)\b[^,;:.]*\.$/i.test(text),
  },
  { rule: 'does not cry', keeps: (text) => !/\b(errors?:|fatal:|oops|sorry|please|failed to|unable to)\b|!(?=\s|$)/i.test(text) },
  { rule: 'holds no stack trace', keeps: (text) => !/\bat \S+ \(?\S*:\d+:\d+\)?|node_modules|node:internal/.test(text) },
  { rule: 'holds no value of the program’s own', keeps: (text) => !/\b(undefined|NaN|\[object \w+\])(?!\w)/.test(text) },
  { rule: 'cannot move the cursor', keeps: (text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u.test(text) },
  { rule: 'has single spaces', keeps: (text) => !/ {2}|^ | $/.test(text) },
  { rule: 'holds no secret', keeps: (text) => !text.includes(SECRET) },
]

/** The thing that is wrong, where the sentence begins with it, is a path, an address, a place in a file, a flag or a variable. */
function begins(text: string): boolean {
  return /^(?:[\p{Lu}"“<]|--\w|\S*[/.:[\]=@]\S* )/u.test(text)
}

/** The rules that a sentence breaks. */
export function brokenRules(sentence: string, { names, quoted }: Pick<BadInput, 'names' | 'quoted'>): string[] {
  const kept = (rule: ToneRule): boolean => (rule.keeps === begins && sentence.startsWith(names)) || rule.keeps(sentence)
  return RULES.filter((rule) => !(quoted && rule.ofOurs) && !kept(rule)).map(({ rule }) => rule)
}
