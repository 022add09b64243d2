/** The fault matrix: `npm run test:crash`. A golden run comes first; its history says which boundaries there are. */
module.exports = {
  ...require('./jest.config'),
  testMatch: ['**/*.crash.ts'],
  testTimeout: 150000,
  reporters: ['default', '<rootDir>/test/crash/support/reporter.js'],
  globalSetup: '<rootDir>/test/crash/support/golden-run.ts',
  globalTeardown: '<rootDir>/test/crash/support/golden-end.ts',
}
