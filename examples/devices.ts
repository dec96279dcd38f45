// Watches the machine beside the load, and lets a sweep end before it is too hot or has
// no memory left: what devices did in each case is in the result.
//   weir run examples/devices.ts --url http://127.0.0.1:8000 --source npu-smi --hottest 85
//   weir run examples/devices.ts --sim --source host
import { params, type Case } from "weir";
import { Endpoint } from "weir/llm";
import { list, monitor } from "weir/npu";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  vus: { default: [1, 4], help: "requests at the same time, one case each" },
  source: { default: "auto", help: "how devices are read: auto, npu-smi, nvidia-smi, host, or an exporter's URL" },
  hosts: { default: "", help: "host to read by ssh; left out: this machine" },
  hottest: { default: 90, help: "end the sweep when a device is hotter, °C" },
});

const service = new Endpoint({ url: p.url, maxTokens: 16 });
const devices = monitor({ source: p.source, hosts: p.hosts, interval: "500ms" });

export async function setup() {
  for (const d of await list({ source: p.source, hosts: p.hosts })) {
    console.log(`${d.kind} ${d.index}: ${d.name ?? "?"}, ${((d.memory_mib ?? 0) / 1024).toFixed(0)} GiB, ${d.health ?? "health unknown"}`);
  }
}

export function* plan(): Generator<Case> {
  for (const vus of p.vus) {
    yield { name: `${vus} at once`, vus, iterations: 8 * vus };
    const hottest = Math.max(0, ...devices.latest().map((d) => d.values.temperature_c ?? 0));
    if (hottest > p.hottest) {
      console.log(`a device has ${hottest} °C: no more cases`);
      return;
    }
  }
}

export default async function () {
  await service.complete("Tell me about weirs.");
}
