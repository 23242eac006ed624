/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of one port.  Whatever is sent is received: there is one
 * FIFO, filled by the transmitter and emptied by the receiver.
 *
 * A FIFO of 16 bytes that is full has its next byte to write where the next
 * to read is, and so looks empty until it is cleared; in the kernel's
 * example, too.
 */
#include <linux/serial_reg.h>

#include "mtty.h"

static bool is_empty(const struct mtty_port *port)
{
	return port->head == port->tail;
}

static bool is_enabled(const struct mtty_port *port, uint8_t what)
{
	return port->regs[UART_IER] & what;
}

static uint8_t next(uint8_t at)
{
	return (uint8_t)((at + 1u) % MTTY_FIFO_SIZE);
}

static void send(struct mtty *mtty, struct mtty_port *port, uint8_t value)
{
	if (port->count >= port->room) {
		port->is_overrun = true;
		if (is_enabled(port, UART_IER_RLSI))
			mtty_interrupt(mtty);
		return;
	}
	port->fifo[port->head] = value;
	port->head = next(port->head);
	port->count++;
	port->is_overrun = false;
	if (is_enabled(port, UART_IER_RDI) && port->count == port->level)
		mtty_interrupt(mtty);
}

static void receive(struct mtty *mtty, struct mtty_port *port,
		    uint8_t *ret_value)
{
	if (!is_empty(port)) {
		*ret_value = port->fifo[port->tail];
		port->tail = next(port->tail);
		port->count--;
	}
	if (is_empty(port) && is_enabled(port, UART_IER_THRI))
		mtty_interrupt(mtty);
}

static void write_ier(struct mtty *mtty, struct mtty_port *port, uint8_t value)
{
	if (port->has_divisor) {
		port->divisor |= (uint16_t)(value << 8);
		return;
	}
	port->regs[UART_IER] = value;
	if (value & UART_IER_THRI && is_empty(port))
		mtty_interrupt(mtty);
}

/* The level that is asked for does not matter: each byte is reported. */
static void write_fcr(struct mtty_port *port, uint8_t value)
{
	port->fcr = value;
	if (value & (UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT)) {
		port->count = 0;
		port->head = 0;
		port->tail = 0;
	}
	port->level = 1;
	port->room = value & UART_FCR_ENABLE_FIFO ? MTTY_FIFO_SIZE : 1;
}

static void write_lcr(struct mtty_port *port, uint8_t value)
{
	port->has_divisor = !!(value & UART_LCR_DLAB);
	if (port->has_divisor)
		port->divisor = 0;
	port->regs[UART_LCR] = value;
}

static void write_mcr(struct mtty *mtty, struct mtty_port *port, uint8_t value)
{
	port->regs[UART_MCR] = value;
	if (!is_enabled(port, UART_IER_MSI))
		return;
	if (value & UART_MCR_OUT2)
		mtty_interrupt(mtty);
	if (value & (UART_MCR_RTS | UART_MCR_DTR))
		mtty_interrupt(mtty);
}

void mtty_uart_write(struct mtty *mtty, unsigned int index, uint16_t offset,
		     uint8_t value)
{
	struct mtty_port *port = &mtty->port[index];

	switch (offset) {
	case UART_TX:
		if (port->has_divisor)
			port->divisor |= value;
		else
			send(mtty, port, value);
		break;
	case UART_IER:
		write_ier(mtty, port, value);
		break;
	case UART_FCR:
		write_fcr(port, value);
		break;
	case UART_LCR:
		write_lcr(port, value);
		break;
	case UART_MCR:
		write_mcr(mtty, port, value);
		break;
	case UART_SCR:
		port->regs[offset] = value;
		break;
	default:
		break;
	}
}

static uint8_t read_iir(const struct mtty_port *port)
{
	uint8_t causes = 0;

	if (is_enabled(port, UART_IER_RLSI) && port->is_overrun)
		causes |= UART_IIR_RLSI;
	if (is_enabled(port, UART_IER_RDI) && port->count >= port->level)
		causes |= UART_IIR_RDI;
	if (is_enabled(port, UART_IER_THRI) && is_empty(port))
		causes |= UART_IIR_THRI;
	if (is_enabled(port, UART_IER_MSI) &&
	    port->regs[UART_MCR] & (UART_MCR_RTS | UART_MCR_DTR))
		causes |= UART_IIR_MSI;
	if (!causes)
		causes = UART_IIR_NO_INT;
	/* It has FIFOs, and they work. */
	return causes | 0xc0;
}

static uint8_t read_lsr(const struct mtty_port *port)
{
	uint8_t lsr = port->is_overrun ? UART_LSR_OE : 0;

	return lsr |
	       (is_empty(port) ? UART_LSR_TEMT | UART_LSR_THRE : UART_LSR_DR);
}

static uint8_t read_msr(const struct mtty_port *port)
{
	const uint8_t clear = UART_MSR_CTS | UART_MSR_DCTS;
	const uint8_t msr = UART_MSR_DSR | UART_MSR_DDSR | UART_MSR_DCD;

	if (port->regs[UART_MCR] & UART_MCR_AFE && port->count >= port->room)
		return msr;
	return msr | clear;
}

void mtty_uart_read(struct mtty *mtty, unsigned int index, uint16_t offset,
		    uint8_t *ret_value)
{
	struct mtty_port *port = &mtty->port[index];

	switch (offset) {
	case UART_RX:
		if (port->has_divisor)
			*ret_value = (uint8_t)port->divisor;
		else
			receive(mtty, port, ret_value);
		break;
	case UART_IER:
		*ret_value = port->has_divisor ? (uint8_t)(port->divisor >> 8)
					       : port->regs[offset] & 0x0f;
		break;
	case UART_IIR:
		*ret_value = read_iir(port);
		break;
	case UART_LSR:
		*ret_value = read_lsr(port);
		break;
	case UART_MSR:
		*ret_value = read_msr(port);
		break;
	case UART_LCR:
	case UART_MCR:
	case UART_SCR:
		*ret_value = port->regs[offset];
		break;
	default:
		break;
	}
}
