/** A request of the AWS Query protocol: a form whose keys spell out structures (`Tags.Tag.1.Key`). Whether it is one that the action may
 *  be asked is input.ts's to say; here any name between a list and its number is read. A list sent as empty is an empty list. */
import { AwsError, invalidValue } from '../errors'

/** Whether it is a form at all: valid UTF-8, also where it was escaped. An empty one is. */
export function isForm(body: Uint8Array): boolean {
  try {
    decodeURIComponent(new TextDecoder('utf-8', { fatal: true }).decode(body))
    return true
  } catch {
    return false
  }
}

export class Query {
  constructor(readonly form: URLSearchParams) {}

  static parse(body: string): Query {
    return new Query(new URLSearchParams(body))
  }

  /** Undefined when absent; an empty value counts as absent, as it does for RDS. */
  text(name: string): string | undefined {
    return this.form.get(name) || undefined
  }

  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw new AwsError('MissingParameter', `The request must contain the parameter ${name}.`)
    return value
  }

  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,15}$/.test(value)) throw invalidValue(`The parameter ${name} must be an integer, not "${value}".`)
    return Number(value)
  }

  decimal(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,15}(\.\d{1,15})?$/.test(value)) throw invalidValue(`The parameter ${name} must be a number, not "${value}".`)
    return Number(value)
  }

  /** Milliseconds since 1970. */
  time(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const ms = Date.parse(value)
    if (Number.isNaN(ms)) throw invalidValue(`The parameter ${name} must be a time, not "${value}".`)
    return ms
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name)?.toLowerCase()
    if (value === undefined) return undefined
    if (value !== 'true' && value !== 'false') throw invalidValue(`The parameter ${name} must be true or false, not "${value}".`)
    return value === 'true'
  }

  /** Undefined when the list is absent. A list inside a structure is named `Structure.List`. */
  list(name: string): string[] | undefined {
    return this.structures(name)?.map((item) => item.get('') ?? '')
  }

  /** A list of structures, each by the names of its members. */
  records(name: string): Record<string, string>[] | undefined {
    return this.structures(name)?.map((item) => Object.fromEntries(item))
  }

  filters(): { name: string; values: string[] }[] {
    return (this.records('Filters') ?? []).map((filter) => ({
      name: filter.Name ?? '',
      values: Object.entries(filter)
        .filter(([member]) => member.startsWith('Values.'))
        .map(([, value]) => value),
    }))
  }

  private structures(name: string): Map<string, string>[] | undefined {
    const items = new Map<number, Map<string, string>>()
    let present = false
    for (const [parameter, value] of this.form) {
      if (parameter === name) present = true
      if (!parameter.startsWith(`${name}.`)) continue
      const found = /^[A-Za-z]+\.(\d{1,4})(?:\.(.+))?$/.exec(parameter.slice(name.length + 1))
      if (!found) continue
      const index = Number(found[1])
      const item = items.get(index) ?? new Map<string, string>()
      items.set(index, item.set(found[2] ?? '', value))
    }
    if (items.size === 0) return present ? [] : undefined
    return [...items.entries()].sort(([a], [b]) => a - b).map(([, item]) => item)
  }
}
