// Compiles Token.sol and writes the runtime bytecode beside it: `npm install && npm run build` in this folder.
const fs = require("node:fs");
const solc = require("solc");

const input = {
  language: "Solidity",
  sources: { "Token.sol": { content: fs.readFileSync(`${__dirname}/Token.sol`, "utf8") } },
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 200 },
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "Token.sol": { Token: ["evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
if (output.errors) {
  console.error(output.errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
fs.writeFileSync(`${__dirname}/Token.hex`, `${output.contracts["Token.sol"].Token.evm.deployedBytecode.object}\n`);
