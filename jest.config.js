/** Tests mirror the rooms; those that need servers start real ones, end-to-end tests through test/support. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.m?[tj]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(typebox)/)'],
  testTimeout: 60000,
  // more than processors: most of what is tested waits for a server, a timer or a disk
  maxWorkers: 3,
}
