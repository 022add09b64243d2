/** What simulated RDS knows of the service model is what the vendor's SDK knows, in both directions. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as sdk from '@aws-sdk/client-rds'
import fc from 'fast-check'
import { AWS_ERRORS, AwsError, type AwsErrorCode } from '../../../lab/aws/errors'
import { MODEL_ERRORS, MODEL_OPERATIONS } from '../../../lab/aws/generated/model'
import { OPERATIONS } from '../../../lab/aws/operations/table'
import { checkInput } from '../../../lab/aws/protocol/input'
import { type Action, inputOf, outputOf, type Shape } from '../../../lab/aws/protocol/model'
import { answer, errorAnswer } from '../../../lab/aws/protocol/xml'

const root = resolve(__dirname, '..', '..', '..')
const COMMANDS: Readonly<Record<string, unknown>> = { ...sdk }
const ACTIONS = Object.keys(MODEL_OPERATIONS) as Action[]

/** Any value of a shape, with every member that it can have. */
function anyOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'string':
      // white space around a text is not kept by every XML reader
      return fc.stringMatching(/^[!-~äß€]([ -~äß€]{0,12}[!-~äß€])?$/)
    case 'enumeration':
      return fc.constantFrom(...shape.values)
    case 'integer':
      return fc.integer()
    case 'double':
      return fc.integer({ min: -9_000, max: 9_000 }).map((halves) => halves / 2)
    case 'boolean':
      return fc.boolean()
    case 'timestamp':
      return fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true })
    case 'list':
      return fc.array(anyOf(shape.of), { minLength: 1, maxLength: 3 })
    case 'structure': {
      const members = [...shape.members].map(([name, member]) => [name, anyOf(member.shape)] as const)
      return fc.record(Object.fromEntries(members), { noNullPrototype: true })
    }
  }
}

/** As operations have them: times are texts. */
function written(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(written)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]))
}

/** Sends a command; `exchange` stands for the network. */
function send(
  action: Action,
  input: unknown,
  exchange: (body: string) => { statusCode: number; body: string },
): Promise<unknown> {
  const client = new sdk.RDSClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: { body: string }) => {
        const { statusCode, body } = exchange(request.body)
        return { response: { statusCode, headers: {}, body: Buffer.from(body) } }
      },
    },
  })
  const Command = COMMANDS[`${action}Command`] as new (value: unknown) => Parameters<typeof client.send>[0]
  return client.send(new Command(input))
}

test('the committed tables are what the generator makes of the SDK', () => {
  const made = execFileSync(process.execPath, [join(root, 'scripts', 'rds-model.js'), '--print'], { encoding: 'utf8' })
  const files = JSON.parse(made) as Record<string, string>
  expect(Object.keys(files)).toEqual(['model.ts', 'answers.ts'])
  for (const [name, text] of Object.entries(files)) {
    expect(readFileSync(join(root, 'lab', 'aws', 'generated', name), 'utf8')).toBe(text)
  }
  expect(new Set(ACTIONS)).toEqual(new Set(OPERATIONS.keys()))
})

test.each(ACTIONS)('whatever the SDK can ask of %s is a request that the model has', async (action) => {
  await fc.assert(
    fc.asyncProperty(anyOf(inputOf(action)), async (input) => {
      await send(action, input, (body) => {
        checkInput(action, new URLSearchParams(body))
        return { statusCode: 200, body: answer(action, {}, 'id') }
      })
    }),
    { numRuns: 5 },
  )
})

test.each(ACTIONS)('whatever %s can answer is read back by the SDK as it was said', async (action) => {
  await fc.assert(
    fc.asyncProperty(anyOf(outputOf(action)), async (said) => {
      const input = fc.sample(anyOf(inputOf(action)), 1)[0]
      const read = await send(action, input, () => ({ statusCode: 200, body: answer(action, written(said) as object, 'id') }))
      const { $metadata, ...content } = read as Record<string, unknown>
      expect(content).toEqual(said)
    }),
    { numRuns: 5 },
  )
})

test('an answer with a member that the model does not have, or of another type, is not given', () => {
  expect(() => answer('DescribeDBInstances', { DBInstances: [{ DBInstanceIdentifer: 'x' }] }, 'id')).toThrow(
    'no DBInstanceIdentifer',
  )
  expect(() => answer('DescribeDBInstances', { DBInstances: [{ AllocatedStorage: '20' }] }, 'id')).toThrow('no integer')
  expect(() => answer('DescribeDBInstances', { DBInstances: {} }, 'id')).toThrow('no list')
  expect(() => answer('AddTagsToResource', { TagList: [] }, 'id')).toThrow('no TagList')
})

test('an empty list is an empty element, and an absent one no element', () => {
  expect(answer('DescribeDBInstances', { DBInstances: [] }, 'id')).toContain('<DBInstances></DBInstances>')
  expect(answer('DescribeDBInstances', {}, 'id')).not.toContain('<DBInstances>')
})

test.each(Object.entries(MODEL_ERRORS))('the SDK knows the error %s by its class', async (code, [status, name]) => {
  const body = errorAnswer(new AwsError(code as AwsErrorCode, 'why <it> & not'), 'id')
  expect(AWS_ERRORS[code as AwsErrorCode]).toBe(status)
  const refused = send('DescribeDBInstances', {}, () => ({ statusCode: status, body }))
  await expect(refused).rejects.toMatchObject({ name, message: 'why <it> & not', $metadata: { httpStatusCode: status } })
})
