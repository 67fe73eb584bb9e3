// Runs a test program that was built for a target without IO. It gets nothing from outside: a program
// that wanted a clock, a file or a socket would have to import it.
import { readFileSync } from 'node:fs';

const bytes = readFileSync(process.argv[2]);
const module = new WebAssembly.Module(bytes);
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) {
  console.error(`the program imports ${imports.map((i) => `${i.module}.${i.name}`).join(', ')}`);
  process.exit(1);
}
// A failed test ends in a trap, which is thrown here.
const status = new WebAssembly.Instance(module, {}).exports.main(0, 0);
process.exit(status);
