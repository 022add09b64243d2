/** Whatever Cloud SQL refuses has its code: the closed table decides what happens next. */
import { OAuth2Client } from 'google-auth-library'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import { apiError, gcpFailure } from '../../clouds/gcp/failures'
import { descriptionOf, ownersLabels, readDescription, tagsOfLabels } from '../../clouds/gcp/labels'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, refusal } from '../conformance/support'
import { openLab, type TestLab } from '../lab/fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())
afterEach(() => faultsOf(lab).clear())

function adapter(token = lab.lab.credentials.gcp.accessToken, endpoint = lab.lab.api) {
  const authClient = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  authClient.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 })
  return createCloudSql({ project: lab.lab.credentials.gcp.projectId, region: 'us-central1', endpoint, client: { authClient } })
}

test.each([
  ['authError', 'CREDENTIALS_REJECTED'],
  ['notAuthorized', 'CREDENTIALS_REJECTED'],
  ['internalError', 'CLOUD_UNREACHABLE'],
  ['serverException', 'CLOUD_UNREACHABLE'],
  ['invalid', 'CLOUD_REFUSED'],
  ['invalidFlagValue', 'CLOUD_REFUSED'],
  ['invalidOperation', 'CLOUD_REFUSED'],
  ['quotaExceeded', 'CLOUD_REFUSED'],
  ['operationInProgress', 'CLOUD_BUSY'],
  ['staleData', 'CLOUD_BUSY'],
  ['rateLimitExceeded', 'CLOUD_THROTTLED'],
  // Nobody foresaw these for this call: a defect, not something to be tried for ever.
  ['badRequest', 'CLOUD_UNEXPECTED'],
  ['notImplemented', 'CLOUD_UNEXPECTED'],
  ['required', 'CLOUD_UNEXPECTED'],
] as const)('%s → %s, naming the call', async (code, expected) => {
  await faultsOf(lab).order({ kind: 'fail', operation: 'instances.insert', code, message: 'as ordered', times: 3 })
  const { name: instance, owner } = owned('failures', 'make')
  const wanted = { instance, engineVersion: '17', instanceClass: 'db-f1-micro', storageGib: 10, deletionProtected: false }
  const asked = adapter().startCreate({ ...wanted, master: { name: 'postgres', password: 'Correct-Horse-7' }, owner }, options)
  await expect(asked).rejects.toEqual(refusal(expected, 'instances.insert'))
  expect(await adapter().describeInstance({ name: instance }, options)).toBeNull()
})

const body = (reason: string, code: number) =>
  JSON.stringify({ error: { code, message: 'as it says', errors: [{ reason, domain: 'global', message: 'as it says' }] } })

describe('both shapes that the library throws', () => {
  const older = (reason: string, code: number, headers: Record<string, string> = {}) =>
    Object.assign(new Error(body(reason, code)), {
      code,
      response: { status: code, headers: { get: (name: string) => headers[name] ?? null } },
    })
  const newer = (reason: string, httpStatusCode: number, code: number) =>
    Object.assign(new Error('as it says'), {
      code,
      httpStatusCode,
      [Symbol.for('google-gax.rawHttpResponsePayload')]: JSON.parse(body(reason, httpStatusCode)),
    })

  test.each([
    ['instanceDoesNotExist', 404, 5, 'INSTANCE_NOT_FOUND'],
    ['backupRunDoesNotExist', 404, 5, 'SNAPSHOT_NOT_FOUND'],
    // Seen with this status, too.
    ['operationInProgress', 403, 7, 'CLOUD_BUSY'],
    ['rateLimitExceeded', 429, 8, 'CLOUD_THROTTLED'],
    ['somethingOfTomorrow', 409, 10, 'CLOUD_UNEXPECTED'],
    ['somethingBroke', 502, 14, 'CLOUD_UNREACHABLE'],
  ] as const)('%s with HTTP status %d, gRPC code %d → %s', (reason, status, grpc, expected) => {
    for (const error of [older(reason, status), newer(reason, status, grpc)]) {
      expect(apiError(error)).toMatchObject({ status, reason, message: 'as it says' })
      expect(gcpFailure('instances.get', error, options.signal)).toEqual(refusal(expected, 'instances.get'))
    }
  })

  test.each([
    [5, 'CLOUD_UNEXPECTED'],
    [7, 'CREDENTIALS_REJECTED'],
    [8, 'CLOUD_THROTTLED'],
    [10, 'CLOUD_BUSY'],
    [14, 'CLOUD_UNREACHABLE'],
  ] as const)('a gRPC code alone, %d → %s', (code, expected) => {
    const error = Object.assign(new Error('no body'), { code })
    expect(gcpFailure('instances.list', error, options.signal)).toEqual(refusal(expected, 'instances.list'))
  })

  test('a throttling says when to come again', () => {
    const error = older('rateLimitExceeded', 429, { 'retry-after': '30' })
    expect(gcpFailure('instances.get', error, options.signal)).toMatchObject({ facts: { retryAfterMs: 30_000 } })
  })
})

test('a wrong token is refused, and the right one is not told', async () => {
  const error = await adapter('wrong')
    .describeInstance({ name: 'shop' }, options)
    .catch((caught: unknown) => caught)
  expect(error).toEqual(refusal('CREDENTIALS_REJECTED'))
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error ?? {}))).not.toContain(lab.lab.credentials.gcp.accessToken)
})

test('nobody listens', async () => {
  const asked = adapter('any', 'http://127.0.0.1:1').describeInstance({ name: 'shop' }, options)
  await expect(asked).rejects.toEqual(refusal('CLOUD_UNREACHABLE', 'did not answer instances.get'))
})

test('a label can be written down or the owner is refused; an instant comes back as it was', () => {
  const { name, owner } = owned('labels', 'take')
  expect(ownersLabels(owner)).toMatchObject({ 'capstan-expires': '2027-01-31t12-00-00-000z' })
  expect(tagsOfLabels(ownersLabels(owner))).toMatchObject({ 'capstan-expires': owner.expiresAt })
  const read = { name, tags: tagsOfLabels(ownersLabels(owner)) }
  for (const instanceCreatedAt of ['2026-01-31T12:00:00.000Z', null]) {
    expect(readDescription(descriptionOf(name, owner, instanceCreatedAt))).toEqual({ ...read, instanceCreatedAt })
  }
  const unread = `${descriptionOf(name, owner, null)} capstan-instance-created=yesterday`
  expect(readDescription(unread)).toEqual({ ...read, instanceCreatedAt: null })
  expect(readDescription('nightly, by hand')).toBeNull()
  for (const step of ['Take', 'take!', 'x'.repeat(64)])
    expect(() => ownersLabels({ ...owner, step })).toThrow('cannot be a label')
})

test('a worker without credentials is told so', () => {
  const error = new Error(
    'Could not load the default credentials. Browse to https://cloud.google.com/docs/ for more information.',
  )
  expect(gcpFailure('instances.get', error, options.signal)).toMatchObject({
    code: 'CLOUD_UNREACHABLE',
    facts: { credentials: 'none' },
    message: expect.stringMatching(/^No credentials for Google Cloud were found/),
  })
})
