/** The words in which the fleet file is written: text, times, amounts. Every `description` completes the sentence "it must be …". */
import { Type } from 'typebox'

export const closed = { additionalProperties: false } as const

/** Of one line, and without what would move a terminal's cursor or turn its reading direction. */
export const LINE = '^(?=.*\\S)[^\\p{Cc}\\p{Zl}\\p{Zp}\\u202A-\\u202E\\u2066-\\u2069]+$'
export const text = (description: string, pattern = LINE) => Type.String({ pattern, description })
export const duration = (example: string) =>
  Type.String({
    pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$',
    description: `a time with its unit (ms, s, m, h, d), such as ${example}`,
  })
/** Which decimals it may have the reader says. */
export const amount = (description: string) => Type.Number({ minimum: 0, description })
export const orUnlimited = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(
  schema: T,
  description: string,
) => Type.Union([schema, Type.Null()], { description })

export const hostOf = (description: string) =>
  text(description, '^([\\p{L}\\p{N}._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$')
export const portNumber = () => Type.Integer({ minimum: 1, maximum: 65535, description: 'a port number, 1 to 65535' })
export const roleName = () => text('the name of a role, 63 bytes at most', `^(?!.*://)${LINE.slice(1)}`)
export const secretRef = () =>
  text(
    'a reference to the password, env:NAME or file:/absolute/path, never the password itself',
    '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$',
  )

export const tlsMode = (description = 'disable, require or verify-full') =>
  Type.Union([Type.Literal('disable'), Type.Literal('require'), Type.Literal('verify-full')], { description })

export const CLOUDS = 'aws, azure or gcp'

export const instanceClass = (example: string) => {
  const description = `an instance class such as ${example}`
  return Type.Optional(Type.Union([text(description, '^\\S+$'), Type.Null()], { description }))
}

/** Of AWS. */
export const securityGroups = (description: string) =>
  Type.Array(text('the identifier of a security group, such as sg-0a1b2c3d4e5f67890', '^sg-[a-z0-9-]+$'), {
    minItems: 1,
    description,
  })
