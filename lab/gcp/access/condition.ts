/** Conditions of IAM bindings: of the Common Expression Language what is asked of a resource. `&&`, `||`, `!`, brackets, `==`, `!=`; of `resource.name`,
 *  `resource.type` and `resource.service`; `startsWith`, `endsWith`, and `extract` with one `{placeholder}`. Anything else is refused when it is handed over.
 *  Source: IAM, "Attribute reference for IAM Conditions". */
import { PolicyRefused } from '../../access/refusal'

export interface ResourceAttributes {
  readonly name: string
  readonly type: string
  readonly service: string
}

export type Condition = (resource: ResourceAttributes) => boolean
type Text = (resource: ResourceAttributes) => string

const TOKEN = /\s*(?:(&&|\|\||==|!=|[!().])|"([^"\\]*)"|'([^'\\]*)'|([A-Za-z_]\w*))/y

/** @throws PolicyRefused. */
export function parseCondition(expression: string): Condition {
  const reader = new Reader(expression)
  const condition = either(reader)
  reader.end()
  return condition
}

interface Token {
  readonly kind: 'sign' | 'text' | 'word'
  readonly text: string
}

class Reader {
  readonly #expression: string
  readonly #tokens: Token[] = []
  #at = 0

  constructor(expression: string) {
    this.#expression = expression
    TOKEN.lastIndex = 0
    while (expression.slice(TOKEN.lastIndex).trim() !== '') {
      const found = TOKEN.exec(expression)
      if (found === null) throw this.refusal()
      const [, sign, double, single, word] = found
      if (sign !== undefined) this.#tokens.push({ kind: 'sign', text: sign })
      else if (word !== undefined) this.#tokens.push({ kind: 'word', text: word })
      else this.#tokens.push({ kind: 'text', text: double ?? single ?? '' })
    }
  }

  /** Takes the sign, if it is next. */
  sign(...signs: readonly string[]): string | null {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'sign' || !signs.includes(token.text)) return null
    this.#at += 1
    return token.text
  }

  expect(sign: string): void {
    if (this.sign(sign) === null) throw this.refusal()
  }

  /** Takes what is next, which has to be of that kind. */
  take(kind: 'text' | 'word'): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== kind) throw this.refusal()
    this.#at += 1
    return token.text
  }

  isText(): boolean {
    return this.#tokens[this.#at]?.kind === 'text'
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.refusal()
  }

  refusal(): PolicyRefused {
    return new PolicyRefused(`This lab does not understand the condition ${this.#expression.slice(0, 200)}`)
  }
}

function either(reader: Reader): Condition {
  let left = both(reader)
  while (reader.sign('||')) {
    const [before, right] = [left, both(reader)]
    left = (resource) => before(resource) || right(resource)
  }
  return left
}

function both(reader: Reader): Condition {
  let left = single(reader)
  while (reader.sign('&&')) {
    const [before, right] = [left, single(reader)]
    left = (resource) => before(resource) && right(resource)
  }
  return left
}

function single(reader: Reader): Condition {
  if (reader.sign('!')) {
    const negated = single(reader)
    return (resource) => !negated(resource)
  }
  if (reader.sign('(')) {
    const inner = either(reader)
    reader.expect(')')
    return inner
  }
  return comparison(reader)
}

function comparison(reader: Reader): Condition {
  let left: Text = operand(reader)
  while (reader.sign('.')) {
    const method = reader.take('word')
    reader.expect('(')
    const argument = reader.take('text')
    reader.expect(')')
    const before = left
    if (method === 'startsWith') return (resource) => before(resource).startsWith(argument)
    if (method === 'endsWith') return (resource) => before(resource).endsWith(argument)
    if (method !== 'extract' || !/^[^{}]*\{\w*\}[^{}]*$/.test(argument)) throw reader.refusal()
    left = (resource) => extracted(before(resource), argument)
  }
  const sign = reader.sign('==', '!=')
  if (sign === null) throw reader.refusal()
  const right = operand(reader)
  return (resource) => (left(resource) === right(resource)) === (sign === '==')
}

function operand(reader: Reader): Text {
  if (reader.isText()) {
    const text = reader.take('text')
    return () => text
  }
  if (reader.take('word') !== 'resource') throw reader.refusal()
  reader.expect('.')
  const attribute = reader.take('word')
  if (attribute !== 'name' && attribute !== 'type' && attribute !== 'service') throw reader.refusal()
  return (resource) => resource[attribute]
}

/** `/instances/{name}` of `projects/p/instances/shop` → `shop`; empty where the template fits nowhere. */
function extracted(text: string, template: string): string {
  const [before = '', after = ''] = template.split(/\{\w*\}/)
  const start = text.indexOf(before)
  if (start < 0) return ''
  const rest = text.slice(start + before.length)
  if (after === '') return rest
  const end = rest.indexOf(after)
  return end < 0 ? '' : rest.slice(0, end)
}
