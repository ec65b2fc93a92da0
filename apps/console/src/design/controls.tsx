/** The controls of every screen, on React Aria's: what a screen reader and a keyboard need comes with them. */
import type { ReactNode, Ref } from "react";
import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
  Dialog as AriaDialog,
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  Tooltip as AriaTooltip,
  FieldError,
  Heading,
  Input,
  Label,
  type MenuItemProps,
  type MenuProps,
  MenuTrigger,
  Modal,
  ModalOverlay,
  Popover,
  Radio,
  RadioGroup,
  Text,
  TextArea,
  TooltipTrigger,
} from "react-aria-components";
import css from "./controls.module.css";

type Tone = "accent" | "good" | "warn" | "bad";

export interface ButtonProps extends AriaButtonProps {
  /** Default: bordered. */
  readonly look?: "primary" | "danger" | "quiet";
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({ look, ...props }: ButtonProps): ReactNode {
  return <AriaButton {...props} className={css.button!} data-look={look} />;
}

export interface IconButtonProps extends Omit<ButtonProps, "children" | "aria-label"> {
  /** Said to screen readers, and shown when pointed at. */
  readonly label: string;
  readonly shortcut?: string | undefined;
  readonly children: ReactNode;
}

export function IconButton({ label, shortcut, look = "quiet", children, ...props }: IconButtonProps): ReactNode {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton {...props} aria-label={label} className={css.button!} data-look={look} data-icon>
        {children}
      </AriaButton>
      <AriaTooltip className={css.tooltip!} offset={6}>
        {label} {shortcut ? <kbd>{shortcut}</kbd> : null}
      </AriaTooltip>
    </TooltipTrigger>
  );
}

export interface TextFieldProps extends AriaTextFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly placeholder?: string;
  /** Why what stands in it is not taken. */
  readonly wrong?: string | undefined;
  readonly mono?: boolean;
  /** Default: one, and no more can be written. */
  readonly lines?: number;
}

export function TextField({ label, hint, wrong, placeholder, mono, lines, ...props }: TextFieldProps): ReactNode {
  const box = {
    ...{ className: css.input!, autoComplete: "off", spellCheck: false, "data-mono": mono || undefined },
    ...(placeholder ? { placeholder } : {}),
  };
  return (
    <AriaTextField {...props} className={css.field!} isInvalid={wrong !== undefined} validationBehavior="aria">
      <Label className={css.label!}>{label}</Label>
      {lines ? <TextArea {...box} rows={lines} /> : <Input {...box} />}
      {hint ? (
        <Text slot="description" className={css.hint!}>
          {hint}
        </Text>
      ) : null}
      <FieldError className={css.wrong!}>{wrong}</FieldError>
    </AriaTextField>
  );
}

/** Why something was not done; nothing where there is no reason. */
export function Wrong({ why }: { readonly why: string | null | undefined }): ReactNode {
  if (!why) return null;
  return (
    <p className={css.wrong} role="alert">
      {why}
    </p>
  );
}

export interface DialogProps {
  readonly title: string;
  readonly about?: ReactNode;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Asks for a decision: a press beside it does not close it. */
  readonly isAlert?: boolean;
  readonly isWide?: boolean;
}

export function Dialog({ title, about, isOpen, onClose, children, isAlert, isWide }: DialogProps): ReactNode {
  return (
    <ModalOverlay className={css.scrim!} isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable={!isAlert}>
      <Modal className={css.modal!} data-wide={isWide || undefined}>
        <AriaDialog className={css.dialog!} role={isAlert ? "alertdialog" : "dialog"}>
          <header>
            <Heading slot="title">{title}</Heading>
            {about ? <p className={css.hint}>{about}</p> : null}
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface MenuButtonProps<T extends object> extends MenuProps<T> {
  readonly label: string;
  readonly icon: ReactNode;
}

/** A menu behind an icon. */
export function MenuButton<T extends object>({ label, icon, ...props }: MenuButtonProps<T>): ReactNode {
  return (
    <MenuTrigger>
      <AriaButton aria-label={label} className={css.button!} data-look="quiet" data-icon>
        {icon}
      </AriaButton>
      <Popover className={css.popover!} placement="bottom end">
        <AriaMenu {...props} className={css.menu!} />
      </Popover>
    </MenuTrigger>
  );
}

export function MenuItem({ tone, ...props }: MenuItemProps & { readonly tone?: "bad" }): ReactNode {
  return <AriaMenuItem {...props} className={css.item!} data-tone={tone} />;
}

export function Kbd({ children }: { readonly children: ReactNode }): ReactNode {
  return <kbd className={css.kbd}>{children}</kbd>;
}

export function Badge({ tone, children }: { readonly tone?: Tone; readonly children: ReactNode }): ReactNode {
  return (
    <span className={css.badge} data-tone={tone}>
      {children}
    </span>
  );
}

/** A state in one spot; the word beside it, or `label`, says it too: colour alone says nothing. */
export function Dot({
  tone,
  hollow,
  label,
}: {
  readonly tone?: Tone;
  readonly hollow?: boolean;
  readonly label?: string;
}): ReactNode {
  return (
    <span
      className={css.dot}
      data-tone={tone}
      data-hollow={hollow || undefined}
      {...(label ? { role: "img", "aria-label": label, title: label } : { "aria-hidden": true })}
    />
  );
}

export interface EmptyProps {
  readonly icon?: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
}

/** What a screen shows when it has nothing to show: why, and the next step. */
export function Empty({ icon, title, children }: EmptyProps): ReactNode {
  return (
    <div className={css.empty}>
      {icon}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Banner({
  tone,
  children,
}: {
  readonly tone?: "warn" | "bad" | undefined;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className={css.banner} data-tone={tone} role="status">
      {children}
    </div>
  );
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  /** By value, in the order in which they are shown. */
  readonly of: Readonly<Record<T, ReactNode>>;
}

/** One of a few. */
export function Choice<T extends string>({ label, value, onChange, of }: ChoiceProps<T>): ReactNode {
  return (
    <RadioGroup className={css.radios!} value={value} onChange={(chosen) => onChange(chosen as T)}>
      <Label className={css.label!}>{label}</Label>
      {(Object.entries(of) as [T, ReactNode][]).map(([one, text]) => (
        <Radio key={one} value={one} className={css.radio!}>
          {text}
        </Radio>
      ))}
    </RadioGroup>
  );
}
