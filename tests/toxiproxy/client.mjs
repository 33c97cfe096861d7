// Drives a proxy server with the public Node client of Toxiproxy, as its users do.
//
//   node client.mjs CLIENT_PACKAGE_FOLDER API_URL
//
// Prints one line a check, `ok` or `not ok`; exit code 1 when one is not.
import { createRequire } from "node:module";
import net from "node:net";

const [folder, api] = process.argv.slice(2);
const { Toxiproxy } = createRequire(`${folder}/`)("toxiproxy-node-client");
let wrong = 0;

function check(what, holds) {
  console.log(`${holds ? "ok" : "not ok"} ${what}`);
  if (!holds) wrong += 1;
}

/** Sends a text through a port; gives what comes back until it is as long, how long it took and how it ended. */
function ask(port, text) {
  return new Promise((resolve) => {
    const began = performance.now();
    let got = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (part) => { got += part; if (got.length >= text.length) socket.end(); });
    const done = (how) => resolve({ got, how, ms: performance.now() - began });
    socket.on("error", (error) => done(error.code));
    socket.on("close", () => done("closed"));
  });
}

const echo = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  socket.pipe(socket);
});
await new Promise((resolve) => echo.listen(0, "127.0.0.1", resolve));

const toxiproxy = new Toxiproxy(api);
check("version", typeof (await toxiproxy.getVersion()) !== "undefined");
const proxy = await toxiproxy.createProxy(
  { name: "echo", listen: "127.0.0.1:0", upstream: `127.0.0.1:${echo.address().port}` });
const port = Number(proxy.listen.split(":").pop());
check("a port is reported back", port > 0);
check("bytes pass", (await ask(port, "hello")).got === "hello");

const latency = await proxy.addToxic(
  { name: "", type: "latency", stream: "downstream", toxicity: 1, attributes: { latency: 600, jitter: 0 } });
check("a toxic has its default name", latency.name === "latency_downstream");
check("latency delays", (await ask(port, "hello")).ms >= 600);
await latency.update({ attributes: { latency: 20, jitter: 0 }, toxicity: 1 });
const quick = await ask(port, "hello");
check("an update counts", quick.got === "hello" && quick.ms < 600);
await latency.remove();

const limit = await proxy.addToxic(
  { name: "limit", type: "limit_data", stream: "downstream", toxicity: 1, attributes: { bytes: 3 } });
check("limit_data cuts", (await ask(port, "hello")).got === "hel");
await limit.remove();
const reset = await proxy.addToxic(
  { name: "reset", type: "reset_peer", stream: "upstream", toxicity: 1, attributes: { timeout: 0 } });
check("reset_peer resets", (await ask(port, "hello")).how === "ECONNRESET");
await reset.remove();

await proxy.update({ enabled: false, listen: proxy.listen, upstream: proxy.upstream });
check("a disabled proxy refuses", (await ask(port, "hello")).how === "ECONNREFUSED");
await toxiproxy.reset();
check("reset enables it", (await ask(port, "again")).got === "again");

const all = await toxiproxy.getAll();
check("all proxies are listed", Object.keys(all).includes("echo"));
const populated = await toxiproxy.populate([
  { name: "a", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" },
  { name: "b", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" }]);
check("populate makes them", Object.keys(populated).length === 2);
let refused = null;
try { await toxiproxy.createProxy({ name: "a", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" }); } catch (error) { refused = error; }
check("a name is taken once", refused !== null);
await proxy.remove();
let missing = null;
try { await toxiproxy.get("echo"); } catch (error) { missing = error; }
check("a removed proxy is gone", missing !== null);
echo.close();
process.exit(wrong === 0 ? 0 : 1);
