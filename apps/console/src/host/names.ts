/** What operators of a host are called. Who may not see all of them sees those who are in a session, and ids. */
import { type HostClient, type OperatorInfo, OperatorKind, type Session } from "@holdfast/sdk";
import { useEffect, useState } from "react";

export interface Named {
  readonly name: string;
  readonly kind: OperatorKind;
}

export type Names = (operator: string) => Named;

/** By id; empty until the host has told, and for who may not see them. */
export function useOperators(client: HostClient): ReadonlyMap<string, OperatorInfo> {
  const [known, setKnown] = useState<ReadonlyMap<string, OperatorInfo>>(new Map());
  useEffect(() => {
    let isLeft = false;
    client.operatorList().then(
      (all) => isLeft || setKnown(new Map(all.map((one) => [one.id, one]))),
      () => {},
    );
    return () => {
      isLeft = true;
    };
  }, [client]);
  return known;
}

export function useNames(client: HostClient, session: Session): Names {
  const known = useOperators(client);
  return (operator) => {
    const one = known.get(operator) ?? session.operators.find((p) => p.operator === operator);
    return one ?? { name: operator.replace(/^system:/, "") || "host", kind: OperatorKind.UNSPECIFIED };
  };
}
