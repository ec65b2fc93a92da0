/** What a relay counts, for Prometheus: sums alone. No name, key or address is a label, so that who reads them learns of nobody. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Relay } from "./relay.ts";

export class Metrics {
  readonly #registry = new Registry();
  readonly #handshakes: Histogram;
  readonly contentType = this.#registry.contentType;

  /** Of the process, its event loop's lag too, from now on. */
  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#handshakes = new Histogram({
      name: "holdfast_relay_handshake_seconds",
      help: "From a call's beginning until who calls was known",
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 5],
      registers,
    });
  }

  readonly met = (ms: number): void => this.#handshakes.observe(ms / 1000);

  show(relay: Relay): void {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, now: () => number): void =>
      void new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(now());
        },
      });
    gauge("holdfast_relay_hosts_online", "Hosts whose line is up", () => relay.lines.online);
    gauge("holdfast_relay_tunnels", "Tunnels, those that wait for their host too", () => relay.lines.tunnels);
    gauge("holdfast_relay_draining", "1 while it takes nobody any more", () => Number(relay.isDraining));
    new Counter({
      ...{
        name: "holdfast_relay_head_conflicts_total",
        help: "Hosts' audit chains that contradicted a head that was kept",
        registers,
      },
      collect() {
        this.reset();
        this.inc(relay.heads.conflicts);
      },
    });
    gauge(
      "holdfast_relay_fullest_fleet_ratio",
      "Of the fleet nearest to its bound: hosts or tunnels, by what it may have",
      () => relay.quotas.fullest,
    );
    gauge("holdfast_relay_group_whole", "1 while it can ask its group; a relay alone always can", () =>
      Number(relay.group.isWhole),
    );
    gauge("holdfast_relay_crossing_tunnels", "Tunnels from one relay to another that end here", () => relay.group.counts.tunnels);
    new Counter({
      name: "holdfast_relay_crossed_bytes_total",
      ...{ help: "Bytes of tunnels to and from other relays, by NATS", labelNames: ["way"], registers },
      collect() {
        this.reset();
        this.inc({ way: "sent" }, relay.group.counts.sent);
        this.inc({ way: "received" }, relay.group.counts.received);
      },
    });
    new Counter({
      ...{ name: "holdfast_relay_nats_reconnects_total", help: "How often NATS was lost and found again", registers },
      collect() {
        this.reset();
        this.inc(relay.group.counts.reconnects);
      },
    });
    // The sums are the relay's own: it counts whether somebody looks or not.
    new Counter({
      ...{ name: "holdfast_relay_passed_bytes_total", help: "Bytes passed on", labelNames: ["to"], registers },
      collect() {
        this.reset();
        this.inc({ to: "hosts" }, relay.tunnels.passed.toHosts);
        this.inc({ to: "operators" }, relay.tunnels.passed.toOperators);
      },
    });
    new Counter({
      ...{
        name: "holdfast_relay_fleet_waits_seconds_total",
        help: "Time that tunnels waited for their fleet's share",
        registers,
      },
      collect() {
        this.reset();
        this.inc(relay.quotas.waitedMs / 1000);
      },
    });
    new Counter({
      ...{ name: "holdfast_relay_refusals_total", help: "Calls that were refused", labelNames: ["code"], registers },
      collect() {
        this.reset();
        for (const [code, n] of relay.refused) this.inc({ code }, n);
      },
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
