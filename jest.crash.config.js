/** What is killed: `npm run test:crash`. The fault matrix of operations (test/crash; a golden run comes first, and its history says which
 *  boundaries there are), suites of the lab that kill it or its servers over and over, or restore them for minutes, and others that
 *  take longer than `npm test` has time for. */
module.exports = {
  ...require('./jest.config'),
  testMatch: ['**/*.crash.ts'],
  testTimeout: 600000,
  // time-outs of recovery are short here: a worker must not wait for a processor longer than for its death to be noticed
  maxWorkers: 2,
  reporters: ['default', '<rootDir>/test/crash/support/reporter.js'],
  globalSetup: '<rootDir>/test/crash/support/golden-run.ts',
  globalTeardown: '<rootDir>/test/crash/support/golden-end.ts',
}
