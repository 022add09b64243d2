/** A request against the service model, before anything else is looked at: no parameter that the action does not have, none missing,
 *  none of another type, no value that an enumeration does not have. A list's items are `List.Item.N` as the model names them, or
 *  `List.member.N`, which RDS takes as well. Codes: RDS API reference, "Common Errors"; `MalformedInput` for what cannot be read as
 *  its type is not in that list, but is what the service answers (github.com/boto/boto/issues/1051). */
import { AwsError, invalidValue } from '../errors'
import { type Action, inputOf, type Shape, type Structure } from './model'

/** Every request has them, beside the action's own. */
const COMMON = new Set(['Action', 'Version'])
const ITEMS_MAX = 1_000

/** @throws AwsError InvalidQueryParameter, MalformedInput, MalformedQueryString, MissingParameter, InvalidParameterValue. */
export function checkInput(action: Action, form: URLSearchParams): void {
  const input = inputOf(action)
  const given = new Set<string>()
  for (const [parameter, value] of form) {
    if (given.has(parameter)) throw new AwsError('MalformedQueryString', `The parameter ${printable(parameter)} is given twice.`)
    given.add(parameter)
    if (!COMMON.has(parameter)) checkParameter(input, parameter, value)
  }
  checkRequired(input, '', form)
}

function checkParameter(input: Structure, parameter: string, value: string): void {
  let shape: Shape = input
  const path = parameter.split('.')
  while (path.length > 0) {
    if (shape.kind === 'structure') {
      const member = shape.members.get(path.shift() ?? '')
      if (!member) throw unknown(parameter)
      shape = member.shape
    } else if (shape.kind === 'list') {
      const [item, index] = path.splice(0, 2)
      if (item !== shape.item && item !== 'member') throw unknown(parameter)
      if (!/^[1-9]\d{0,3}$/.test(index ?? '') || Number(index) > ITEMS_MAX) {
        throw malformed(`Each item of ${printable(parameter)} has a number from 1 to ${ITEMS_MAX}.`)
      }
      shape = shape.of
    } else {
      throw malformed(`Unexpected complex element: ${printable(parameter)}`)
    }
  }
  checkValue(shape, parameter, value)
}

/** An empty value counts as none, of whatever type; a list that is sent as empty is an empty list. */
function checkValue(shape: Shape, parameter: string, value: string): void {
  if (value === '') return
  if (shape.kind === 'structure' || shape.kind === 'list') throw malformed(`Unexpected simple element: ${printable(parameter)}`)
  if (shape.kind === 'enumeration') {
    if (shape.values.includes(value)) return
    throw invalidValue(
      `Invalid value ${printable(value)} for ${printable(parameter)}. It must be one of: ${shape.values.join(', ')}`,
    )
  }
  if (!READABLE[shape.kind](value)) throw malformed(`${printable(parameter)} is not of type ${shape.kind}.`)
}

const READABLE = {
  string: () => true,
  integer: (value: string) => /^-?\d{1,18}$/.test(value) && Number.isSafeInteger(Number(value)),
  double: (value: string) => /^-?\d{1,15}(\.\d{1,15})?$/.test(value),
  boolean: (value: string) => value === 'true' || value === 'false',
  timestamp: (value: string) =>
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(value) && !Number.isNaN(Date.parse(value)),
} as const

/** Also inside each structure that was given at all. A list that is sent as empty is there, an empty text is not. */
function checkRequired(structure: Structure, prefix: string, form: URLSearchParams): void {
  for (const [name, { shape, required }] of structure.members) {
    const place = `${prefix}${name}`
    const given = [...form].filter(
      ([parameter, value]) =>
        (parameter === place && (value !== '' || shape.kind === 'list')) || parameter.startsWith(`${place}.`),
    )
    if (given.length === 0) {
      if (required) throw new AwsError('MissingParameter', `The request must contain the parameter ${printable(place)}.`)
      continue
    }
    if (shape.kind === 'structure') checkRequired(shape, `${place}.`, form)
    if (shape.kind !== 'list' || shape.of.kind !== 'structure') continue
    const items = given.map(([parameter]) => parameter.slice(place.length).split('.').slice(1, 3).join('.'))
    for (const item of new Set(items)) if (item !== '') checkRequired(shape.of, `${place}.${item}.`, form)
  }
}

function unknown(parameter: string): AwsError {
  return new AwsError('InvalidQueryParameter', `The parameter ${printable(parameter)} is not one of this action.`)
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedInput', message)
}

/** An answer is XML, which cannot hold every character, and a person's terminal should not. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
