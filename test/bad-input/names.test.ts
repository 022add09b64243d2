/** Names that Capstan gives are legal in each of the three clouds, whatever people call their databases and operations. */
import fc from 'fast-check'
import { newOperationId, parseOperationId } from '../../client/operation-id'
import { Failure } from '../../contracts/failures'
import { MIGRATE_STEPS } from '../../contracts/migrate'
import { OPERATION_ID_PATTERN, operationIdOf, temporaryName } from '../../contracts/operation'
import { copyStepOf, SNAPSHOT_STEPS } from '../../contracts/snapshot'
import { brokenRules } from './support/tone'

/** Their documentation's words: RDS takes 1 to 63 letters, digits and single hyphens, a letter first, no hyphen last; an Azure flexible
 *  server 3 to 63 lower-case ones, neither end a hyphen; Cloud SQL lower-case ones, a letter first, 98 with a project of up to 30. */
const LEGAL = {
  aws: /^(?!.*--)(?!.*-$)[A-Za-z][A-Za-z0-9-]{0,62}$/,
  azure: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  gcp: /^(?!.*-$)[a-z][a-z0-9-]{0,66}$/,
}

const steps = [
  ...[...Object.values(MIGRATE_STEPS), ...Object.values(SNAPSHOT_STEPS)].map(({ id }) => id),
  copyStepOf('ap-southeast-1'),
]
const word = fc.stringMatching(/^[a-z0-9]{1,12}$/)
const databaseName = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), fc.array(word, { maxLength: 3 }))
  .map(([first, more]) => [first, ...more].join('-').slice(0, 40).replace(/-$/, ''))

function accepted(text: string): string | null {
  try {
    return parseOperationId(text)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    expect(error.code).toBe('OPTION_INVALID')
    expect(brokenRules(error.message, { names: text })).toEqual([])
    return null
  }
}

function expectLegal(operation: string): void {
  expect(operation).toMatch(OPERATION_ID_PATTERN)
  for (const step of steps) {
    for (const rule of Object.values(LEGAL)) expect(temporaryName(operation, step)).toMatch(rule)
  }
}

test('an id that Capstan makes is one that it takes, and names resources of every cloud', () => {
  fc.assert(
    fc.property(fc.constantFrom('migrate', 'snapshot'), databaseName, (kind, database) => {
      // a schedule tells its runs apart by ten characters
      for (const id of [newOperationId(kind, database), operationIdOf(kind, database, '0123456xyz')]) {
        expect(accepted(id)).toBe(id)
        expectLegal(id)
      }
    }),
  )
})

test('an id of one’s own either names resources of every cloud or is refused in one sentence', () => {
  const near = fc.stringMatching(/^[a-z][a-z0-9-]{0,34}$/)
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
      const id = accepted(text)
      if (id !== null) expectLegal(id)
    }),
    { numRuns: 500 },
  )
})
