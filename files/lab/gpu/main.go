// Command simulated-gpus gives away GPUs that are only a face in /sys and /dev: by DRA under the vendor's driver
// name, or as a device plugin under the vendor's resource name. Scheduler, kubelet and containerd are the real
// ones; no driver and no GPU stands behind a device that a container gets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// how long a card that was pulled out may still be offered
const lookAgain = 2 * time.Second

// offering is one of the two ways to give devices away.
type offering interface {
	// offer says what there is now; it is called again and again, and acts where something has changed.
	offer(ctx context.Context, cards []card) error
	// end closes the sockets, by which the kubelet knows that nobody is there any more.
	end()
}

func main() {
	vendor := flag.String("vendor", "", "whose GPUs: intel, amd or nvidia")
	way := flag.String("way", "dra", "how they are given away: dra or device-plugin")
	root := flag.String("root", "/", "where the host's own root folder is")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("simulated: ")
	if err := run(*vendor, *way, host{root: *root}); err != nil {
		log.Fatal(err)
	}
}

func run(vendor, way string, from host) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	names, known := vendors[vendor]
	if !known {
		return fmt.Errorf("--vendor is %q, wanted intel, amd or nvidia", vendor)
	}
	var offers offering
	var err error
	switch way {
	case "dra":
		offers, err = startClaims(ctx, names, os.Getenv("NODE_NAME"))
	case "device-plugin":
		offers = &plugin{names: names}
	default:
		err = fmt.Errorf("--way is %q, wanted dra or device-plugin", way)
	}
	if err != nil {
		return err
	}
	defer offers.end()
	watch(ctx, names, from, offers)
	return nil
}

// watch offers what the face shows until it is told to end; what goes wrong is tried again at the next look.
func watch(ctx context.Context, names vendorNames, from host, offers offering) {
	said := ""
	for ctx.Err() == nil {
		text := "nothing to complain of"
		if err := look(ctx, names, from, offers); err != nil {
			text = err.Error()
		}
		if text != said {
			log.Print(text)
			said = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookAgain):
		}
	}
}

func look(ctx context.Context, names vendorNames, from host, offers offering) error {
	cards, err := from.cards(names)
	if err != nil {
		return err
	}
	return errors.Join(from.describe(names, cards), offers.offer(ctx, cards))
}
