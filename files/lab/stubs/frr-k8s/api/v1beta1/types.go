// Package v1beta1 declares the types that MetalLB's frr-k8s backend is compiled against, and nothing that it
// could run with: a speaker started with METALLB_BGP_TYPE=frr-k8s ends, because no kind is registered.
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const absent = "this MetalLB was built for the lab, without its frr-k8s backend; use L2 mode"

func AddToScheme(*runtime.Scheme) error { return nil }

func (in *FRRConfigurationSpec) DeepCopyInto(*FRRConfigurationSpec) { panic(absent) }
func (in *FRRConfiguration) DeepCopy() *FRRConfiguration            { panic(absent) }
func (in *FRRConfiguration) DeepCopyObject() runtime.Object         { panic(absent) }

type DynamicASNMode string

type FRRConfiguration struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec FRRConfigurationSpec
}

type FRRConfigurationSpec struct {
	BGP          BGPConfig
	NodeSelector metav1.LabelSelector
}

type BGPConfig struct {
	Routers     []Router
	BFDProfiles []BFDProfile
}

type Router struct {
	ASN       uint32
	ID, VRF   string
	Neighbors []Neighbor
	Prefixes  []string
}

type Neighbor struct {
	ASN                                      uint32
	DynamicASN                               DynamicASNMode
	Address, Interface, Password, BFDProfile string
	Port                                     *uint16
	PasswordSecret                           SecretReference
	HoldTime, KeepaliveTime, ConnectTime     *metav1.Duration
	EBGPMultiHop, EnableGracefulRestart      bool
	DisableMP, DualStackAddressFamily        bool
	ToAdvertise                              Advertise
}

type SecretReference struct{ Name, Namespace string }

type Advertise struct {
	Allowed                   AllowedOutPrefixes
	PrefixesWithLocalPref     []LocalPrefPrefixes
	PrefixesWithCommunity     []CommunityPrefixes
	PrefixesWithAsPathPrepend []AsPathPrependPrefixes
}

type AllowedOutPrefixes struct{ Prefixes []string }

type LocalPrefPrefixes struct {
	LocalPref uint32
	Prefixes  []string
}

type CommunityPrefixes struct {
	Community string
	Prefixes  []string
}

type AsPathPrependPrefixes struct {
	AsPathPrepend uint8
	Prefixes      []string
}

type BFDProfile struct {
	Name             string
	ReceiveInterval  *uint32
	TransmitInterval *uint32
	DetectMultiplier *uint32
	EchoInterval     *uint32
	MinimumTTL       *uint32
	EchoMode         *bool
	PassiveMode      *bool
}
