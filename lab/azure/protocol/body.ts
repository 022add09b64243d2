/** The body of a request, read by path (`properties.storage.storageSizeGB`). What is not asked for is ignored, as Resource Manager does;
 *  null counts as absent; enumerations are compared without regard to case and given back in the provider's spelling. */
import { AzureError, invalidParameter } from '../errors'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

export class Body {
  private constructor(private readonly root: { readonly [name: string]: Json }) {}

  /** An absent body is an empty one. @throws AzureError InvalidRequestContent. */
  static parse(text: string): Body {
    if (text.trim() === '') return new Body({})
    let root: Json
    try {
      root = JSON.parse(text) as Json
    } catch (error) {
      throw malformed(`it is no JSON (${(error as Error).message.slice(0, 200)})`)
    }
    if (!isObject(root)) throw malformed('an object is wanted')
    return new Body(root)
  }

  has(path: string): boolean {
    return this.#at(path) !== undefined
  }

  text(path: string): string | undefined {
    const value = this.#at(path)
    if (value === undefined || typeof value === 'string') return value
    throw unexpected(path, 'a string')
  }

  /** A number that came as a text is one, too. */
  integer(path: string): number | undefined {
    const value = this.#at(path)
    if (value === undefined) return undefined
    const number = typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number
    throw unexpected(path, 'an integer')
  }

  flag(path: string): boolean | undefined {
    const value = this.#at(path)
    if (value === undefined || typeof value === 'boolean') return value
    throw unexpected(path, 'a boolean')
  }

  /** @throws AzureError InvalidParameterValue for a value that is not among the names. */
  choice<Name extends string>(path: string, names: readonly Name[]): Name | undefined {
    const value = this.text(path)
    if (value === undefined) return undefined
    const found = names.find((name) => name.toLowerCase() === value.toLowerCase())
    if (found === undefined) throw invalidParameter(lastOf(path), `Allowed values: ${names.join(', ')}.`)
    return found
  }

  texts(path: string): readonly string[] | undefined {
    const value = this.#at(path)
    if (value === undefined) return undefined
    if (isList(value) && value.every((item) => typeof item === 'string')) return value as readonly string[]
    throw unexpected(path, 'a list of strings')
  }

  /** Names to texts, such as tags. */
  record(path: string): Record<string, string> | undefined {
    const value = this.#at(path)
    if (value === undefined) return undefined
    if (isObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
      return { ...(value as Record<string, string>) }
    }
    throw unexpected(path, 'an object of strings')
  }

  #at(path: string): Json | undefined {
    let value: Json | undefined = this.root
    const names = path.split('.')
    for (const [depth, name] of names.entries()) {
      if (value === undefined || value === null) return undefined
      if (!isObject(value)) throw unexpected(names.slice(0, depth).join('.'), 'an object')
      value = Object.hasOwn(value, name) ? value[name] : undefined
    }
    return value ?? undefined
  }
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

function malformed(why: string): AzureError {
  return new AzureError('InvalidRequestContent', `The request content was invalid and could not be deserialized: '${why}'.`)
}

function unexpected(path: string, wanted: string): AzureError {
  return malformed(`${wanted} is wanted. Path '${path}'`)
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
