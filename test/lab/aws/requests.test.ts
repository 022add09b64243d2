/** Requests that nobody's SDK would send: each is refused by RDS's own code, and nothing has changed. */
import { createInstance, gone, openLab, refused, sdk, type TestLab } from '../fixture'
import { raw, rawAction } from './raw'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
})
afterAll(() => lab.remove())

const CREATE = {
  Action: 'CreateDBInstance',
  DBInstanceIdentifier: 'wrong',
  Engine: 'postgres',
  DBInstanceClass: 'db.t4g.micro',
  AllocatedStorage: '20',
  MasterUsername: 'boss',
  MasterUserPassword: 'correct-horse-battery',
}

/** What there is, as far as calls can change it. */
async function everything() {
  const { body } = await lab.call('GET', '/_lab/status')
  // what its processes take changes by itself
  const instances = (body.instances as object[]).map((instance) => ({ ...instance, memoryBytes: undefined }))
  const { DBInstances } = await lab.rds.describeDBInstances({})
  const { DBParameterGroups } = await lab.rds.describeDBParameterGroups({})
  const { DBSnapshots } = await lab.rds.describeDBSnapshots({})
  return { status: { ...body, instances }, DBInstances, DBParameterGroups, DBSnapshots }
}

test('the requests of these tests are carried out when nothing is wrong with them', async () => {
  expect(await rawAction(lab, { Action: 'DescribeDBInstances' })).toMatchObject({ status: 200, code: undefined })
  expect(await rawAction(lab, { ...CREATE, DBInstanceIdentifier: 'right' })).toMatchObject({ status: 200 })
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'right', SkipFinalSnapshot: true })
  // what goes on by itself would look like a change in the tests that follow
  await gone(lab, 'right')
})

describe('the caller', () => {
  const signedAs = (change: (authorization: string) => string) =>
    raw(
      lab,
      () => {},
      ({ headers }) => {
        headers.authorization = change(headers.authorization ?? '')
      },
    )

  test.each<[string, (authorization: string) => string, number, string]>([
    ['no authorization', () => '', 403, 'MissingAuthenticationToken'],
    ['another scheme', () => 'Basic Ym9zczpib3Nz', 400, 'IncompleteSignature'],
    ['no signature', (text) => text.replace(/, Signature=.*/, ''), 400, 'IncompleteSignature'],
    ['half a signature', (text) => text.slice(0, -32), 400, 'IncompleteSignature'],
    ['no signed headers', (text) => text.replace(/SignedHeaders=[^,]+, /, ''), 400, 'IncompleteSignature'],
    ['a credential of three parts', (text) => text.replace('/rds/aws4_request', ''), 400, 'IncompleteSignature'],
    [
      'an access key that nobody has',
      (text) => text.replace(/Credential=\w+/, 'Credential=AKIDNOBODY'),
      403,
      'InvalidClientTokenId',
    ],
    ['another signature', (text) => text.replace(/[0-9a-f]{8}$/, '00000000'), 403, 'SignatureDoesNotMatch'],
    ['another region than was signed', (text) => text.replace('/us-east-1/', '/eu-west-1/'), 403, 'SignatureDoesNotMatch'],
    ['another service', (text) => text.replace('/rds/', '/s3/'), 403, 'SignatureDoesNotMatch'],
    ['another day than the header', (text) => text.replace(/\/\d{8}\//, '/20200101/'), 403, 'SignatureDoesNotMatch'],
    ['the host unsigned', (text) => text.replace('host;', ''), 403, 'SignatureDoesNotMatch'],
  ])('with %s is refused', async (_, change, status, code) => {
    expect(await signedAs(change)).toMatchObject({ status, code })
  })

  test.each([
    ['an hour ago', -3_600_000, 'Signature expired'],
    ['in an hour', 3_600_000, 'Signature not yet current'],
  ])('that signed %s is refused', async (_, offsetMs, message) => {
    const stamp = new Date(Date.now() + offsetMs).toISOString().replace(/[-:]|\.\d+/g, '')
    const answer = await raw(
      lab,
      () => {},
      ({ headers }) => {
        headers['x-amz-date'] = stamp
        headers.authorization = headers.authorization?.replace(/\/\d{8}\//, `/${stamp.slice(0, 8)}/`) ?? ''
      },
    )
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch', message: expect.stringContaining(message) })
  })

  test('whose request was changed on the way is refused', async () => {
    const answer = await raw(
      lab,
      () => {},
      (request) => {
        request.body += '&MaxRecords=20'
      },
    )
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' })
  })
})

describe('a body', () => {
  const body = (text: string) => raw(lab, (request) => Object.assign(request, { body: text }))

  test.each([
    ['empty', '', 400, 'MissingAction'],
    ['JSON', '{"Action": "DescribeDBInstances"}', 400, 'MissingAction'],
    ['without an action', 'Version=2014-10-31', 400, 'MissingAction'],
    ['with an unknown action', 'Action=DropEverything&Version=2014-10-31', 400, 'InvalidAction'],
    ['with a name that every object has', 'Action=constructor&Version=2014-10-31', 400, 'InvalidAction'],
    ['with a broken escape', 'Action=DescribeDBInstances&Version=2014-10-31&Marker=%zz', 404, 'MalformedQueryString'],
    [
      'with escaped bytes that are no text',
      'Action=DescribeDBInstances&Version=2014-10-31&Marker=%ff',
      404,
      'MalformedQueryString',
    ],
    ['with a parameter twice', 'Action=DescribeDBInstances&Version=2014-10-31&Marker=a&Marker=b', 404, 'MalformedQueryString'],
    ['of another version', 'Action=DescribeDBInstances&Version=2013-09-09', 400, 'InvalidAction'],
    ['without a version', 'Action=DescribeDBInstances', 400, 'InvalidAction'],
  ])('%s is refused', async (_, text, status, code) => {
    expect(await body(text)).toMatchObject({ status, code })
  })

  test('of more than a mebibyte is refused before it is read', async () => {
    const long = `Action=DescribeDBInstances&Version=2014-10-31&Marker=${'x'.repeat(1_100_000)}`
    expect(await body(long)).toMatchObject({ status: 413, code: 'RequestEntityTooLarge' })
  })

  test('is read whatever type it claims to be, and one that a page would send is no exception', async () => {
    const answer = await raw(lab, ({ headers }) => {
      headers['content-type'] = 'application/json'
    })
    expect(answer).toMatchObject({ status: 200 })
  })
})

test.each<[Record<string, string>, string, string]>([
  [{ DBInstanceIdentifer: 'x' }, 'InvalidQueryParameter', 'DBInstanceIdentifer'],
  [{ dbinstanceclass: 'db.t4g.micro' }, 'InvalidQueryParameter', 'dbinstanceclass'],
  [{ 'Tags.Label.1.Key': 'a' }, 'InvalidQueryParameter', 'Tags.Label.1.Key'],
  [{ 'Tags.Tag.1.Name': 'a' }, 'InvalidQueryParameter', 'Tags.Tag.1.Name'],
  [{ 'Tags.Tag.0.Key': 'a' }, 'MalformedInput', 'a number from 1'],
  [{ 'Tags.Tag.x.Key': 'a' }, 'MalformedInput', 'a number from 1'],
  [{ 'Tags.Tag.1': 'a' }, 'MalformedInput', 'Unexpected simple element'],
  [{ 'Engine.Name': 'postgres' }, 'MalformedInput', 'Unexpected complex element'],
  [{ AllocatedStorage: 'twenty' }, 'MalformedInput', 'AllocatedStorage'],
  [{ AllocatedStorage: '20.5' }, 'MalformedInput', 'AllocatedStorage'],
  [{ AllocatedStorage: '0x14' }, 'MalformedInput', 'AllocatedStorage'],
  [{ MultiAZ: 'True' }, 'MalformedInput', 'MultiAZ'],
  [{ MultiAZ: '1' }, 'MalformedInput', 'MultiAZ'],
  [{ DatabaseInsightsMode: 'deep' }, 'InvalidParameterValue', 'one of: advanced, standard'],
  [{ Engine: '' }, 'MissingParameter', 'Engine'],
  [{ 'Tags.Tag.1.Key': 'a\u0000b' }, 'InvalidParameterValue', 'Invalid tag'],
  [{ DBName: 'a\u0001' }, 'InvalidParameterValue', 'DBName'],
])('an instance asked for with %j is refused as %s, and nothing has changed', async (wrong, code, message) => {
  const before = await everything()
  expect(await rawAction(lab, { ...CREATE, ...wrong })).toMatchObject({
    status: 400,
    code,
    message: expect.stringContaining(message),
  })
  expect(await everything()).toEqual(before)
})

test('what a structure inside a list needs is missed by its place', async () => {
  const filter = { Action: 'DescribeDBInstances', 'Filters.Filter.1.Name': 'engine' }
  expect(await rawAction(lab, filter)).toMatchObject({
    code: 'MissingParameter',
    message: expect.stringContaining('Filters.Filter.1.Values'),
  })
})

test('items of a list are read by either name', async () => {
  for (const item of ['Filter', 'member']) {
    const answer = await rawAction(lab, {
      Action: 'DescribeDBInstances',
      [`Filters.${item}.1.Name`]: 'db-instance-id',
      [`Filters.${item}.1.Values.member.1`]: 'main',
    })
    expect(answer).toMatchObject({ status: 200 })
  }
})

test('another secret is refused whoever uses it', async () => {
  await refused(
    sdk(lab.lab.api, { ...lab.lab.credentials.aws, secretAccessKey: 'guess' }).describeDBInstances({}),
    'SignatureDoesNotMatch',
  )
})
