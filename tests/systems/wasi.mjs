// node wasi.mjs PROGRAM.wasm [ARGUMENT ...]: a program of WASI on this machine's files, with this process's streams and exit status.
import {readFileSync} from 'node:fs';
import {WASI} from 'node:wasi';

const args = process.argv.slice(2);
const wasi = new WASI({version: 'preview1', args, env: process.env, preopens: {'/': '/'}, returnOnExit: true});
// functions of our own around Node's: it aborts where WebAssembly whose memory has grown calls those directly (Node 20)
const calls = Object.fromEntries(Object.entries(wasi.wasiImport).map(([name, call]) => [name, (...values) => call(...values)]));
const module = new WebAssembly.Module(readFileSync(args[0]));
process.exitCode = wasi.start(new WebAssembly.Instance(module, {wasi_snapshot_preview1: calls}));
