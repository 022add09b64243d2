/** Whatever Azure refuses has its code: the closed table decides what happens next. */
import { readFileSync } from 'node:fs'
import { RestError } from '@azure/core-rest-pipeline'
import { azureFailure, endOfOperation } from '../../clouds/azure/failures'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, refusal } from '../conformance/support'
import { openLab, type TestLab } from '../lab/fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())
afterEach(() => faultsOf(lab).clear())

function adapter(token = lab.lab.credentials.azure.token, endpoint = lab.lab.tlsApi) {
  const ca = readFileSync(lab.lab.certificateFile, 'utf8')
  return createFlexibleServer({
    subscription: lab.lab.credentials.azure.subscriptionId,
    resourceGroup: 'failures',
    location: 'eastus',
    copiesResourceGroup: 'failures-copies',
    token,
    client: { endpoint, tlsOptions: { ca } },
  })
}

test.each([
  ['AuthenticationFailed', 'CREDENTIALS_REJECTED'],
  ['AuthorizationFailed', 'CREDENTIALS_REJECTED'],
  ['InvalidAuthenticationToken', 'CREDENTIALS_REJECTED'],
  ['InternalServerError', 'CLOUD_UNREACHABLE'],
  ['ServiceUnavailable', 'CLOUD_UNREACHABLE'],
  ['InvalidParameterValue', 'CLOUD_REFUSED'],
  ['OperationNotAllowed', 'CLOUD_REFUSED'],
  ['QuotaExceeded', 'CLOUD_REFUSED'],
  ['ServerNameAlreadyExists', 'CLOUD_REFUSED'],
  ['SkuNotAvailable', 'CLOUD_REFUSED'],
  ['ServerIsBusy', 'CLOUD_BUSY'],
  ['ServerIsNotReady', 'CLOUD_BUSY'],
  ['ServerGroupDropping', 'CLOUD_BUSY'],
  ['SubscriptionRequestsThrottled', 'CLOUD_THROTTLED'],
  // Nobody foresaw these for this call: a defect, not something to be tried for ever.
  ['InvalidRequestContent', 'CLOUD_UNEXPECTED'],
  ['MissingApiVersionParameter', 'CLOUD_UNEXPECTED'],
  ['UnsupportedMediaType', 'CLOUD_UNEXPECTED'],
] as const)('%s → %s, naming the call', async (code, expected) => {
  await faultsOf(lab).order({ kind: 'fail', operation: 'Servers_CreateOrUpdate', code, message: 'as ordered', times: 3 })
  const { name: instance, owner } = owned('failures', 'make')
  const wanted = { instance, engineVersion: '17', instanceClass: 'Standard_D2ds_v5', storageGib: 64, deletionProtected: false }
  const asked = adapter().startCreate({ ...wanted, master: { name: 'boss', password: 'Correct-Horse-7' }, owner }, options)
  await expect(asked).rejects.toEqual(refusal(expected, 'Servers_CreateOrUpdate'))
  expect(await adapter().describeInstance({ name: instance }, options)).toBeNull()
})

const answered = (code: string, statusCode: number, headers: Record<string, string> = {}) =>
  Object.assign(new RestError('as it says', { code, statusCode }), {
    response: { headers: { get: (name: string) => headers[name] } },
  })

test.each([
  ['ScopeLocked', 409, 'CLOUD_REFUSED'],
  ['RequestDisallowedByPolicy', 403, 'CLOUD_REFUSED'],
  ['ExpiredAuthenticationToken', 401, 'CLOUD_UNREACHABLE'],
  ['SomethingOfTokens', 401, 'CREDENTIALS_REJECTED'],
  ['SomethingOfTomorrow', 409, 'CLOUD_UNEXPECTED'],
  ['SomethingBroke', 502, 'CLOUD_UNREACHABLE'],
] as const)('one that the lab does not know: %s with HTTP status %d → %s', (code, status, expected) => {
  expect(azureFailure('Servers_Delete', answered(code, status), options.signal)).toEqual(refusal(expected, 'Servers_Delete'))
})

test('a throttling says when to come again, however the cloud says it', () => {
  const facts = (header: string) =>
    azureFailure('Servers_Get', answered('TooManyRequests', 429, { 'retry-after': header }), options.signal)
  expect(facts('120')).toMatchObject({ code: 'CLOUD_THROTTLED', facts: { retryAfterMs: 120_000 } })
  const inAMinute = new Date(Date.now() + 60_000).toUTCString()
  expect(facts(inAMinute)).toMatchObject({ facts: { retryAfterMs: expect.any(Number) } })
  expect(facts('soon')).not.toMatchObject({ facts: { retryAfterMs: expect.anything() } })
})

test('a resource group of copies that is gone took them along; one of databases that is not there is told of', async () => {
  const gone = (operation: string) =>
    faultsOf(lab).order({ kind: 'fail', operation, code: 'ResourceGroupNotFound', message: 'as ordered', times: 2 })
  await gone('Servers_ListByResourceGroup')
  expect(await adapter().removeOwnedInstances({ operation: 'failures' }, options)).toEqual({ done: true, removing: [] })
  await expect(adapter().listInstances(options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'ResourceGroupNotFound'))
  await gone('Servers_Get')
  expect(await adapter().describeInstance({ name: owned('failures', 'make').name }, options)).toBeNull()
  const misspelt = adapter().describeInstance({ name: 'shop' }, options)
  await expect(misspelt).rejects.toEqual(refusal('CLOUD_REFUSED', 'ResourceGroupNotFound'))
})

test('the end of an operation is told from a failure to ask about it', () => {
  const failed = new Error('The long-running operation has failed. ServerGroupDropping. Operations are not allowed.')
  expect(endOfOperation(failed)).toEqual({ code: 'ServerGroupDropping', message: 'Operations are not allowed.' })
  expect(endOfOperation(new Error('The long-running operation has failed'))).toMatchObject({ code: 'Unknown' })
  expect(endOfOperation(new Error('Operation was canceled'))).toMatchObject({ code: 'Canceled' })
  expect(endOfOperation(new Error('connect ECONNREFUSED'))).toBeNull()
})

test('a wrong token is refused, and the right one is not told', async () => {
  const error = await adapter('wrong')
    .describeInstance({ name: 'shop' }, options)
    .catch((caught: unknown) => caught)
  expect(error).toEqual(refusal('CREDENTIALS_REJECTED'))
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error ?? {}))).not.toContain(lab.lab.credentials.azure.token)
})

test.each(['CredentialUnavailableError', 'AggregateAuthenticationError'])(
  '%s: a worker without credentials is told so',
  (name) => {
    const error = Object.assign(new Error('EnvironmentCredential is unavailable.\nManagedIdentityCredential …'), { name })
    expect(azureFailure('Servers_Get', error, options.signal)).toMatchObject({
      code: 'CLOUD_UNREACHABLE',
      facts: { credentials: 'none' },
      message: expect.stringMatching(/^No credentials for Azure were found/),
    })
  },
)

test('nobody listens', async () => {
  const asked = adapter('any', 'https://127.0.0.1:1').describeInstance({ name: 'shop' }, options)
  await expect(asked).rejects.toEqual(refusal('CLOUD_UNREACHABLE', 'did not answer Servers_Get'))
})

test('a record of an operation is asked of nobody but the API: a token goes with the question', async () => {
  for (const operation of [
    'OperationLocation https://elsewhere.example/x',
    'OperationLocation http://management.azure.com/x',
    'x',
  ]) {
    await expect(adapter().describeOperation({ operation }, options)).rejects.toEqual(
      refusal('CLOUD_UNEXPECTED', 'no operation of'),
    )
  }
})
