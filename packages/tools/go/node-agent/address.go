package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// A pod has two addresses: its process listens on one of loopback, and the API server, which refuses those in
// EndpointSlices, knows it by the address at the same place of the node's spec.podCIDR. The kubelet sees the first alone.

// translation maps addresses of two networks of the same size onto each other.
type translation struct{ pods, loopback netip.Prefix }

func newTranslation(pods, loopback string) (translation, error) {
	var t translation
	var err error
	if t.pods, err = netip.ParsePrefix(pods); err != nil {
		return t, fmt.Errorf("--pod-cidr: %w", err)
	}
	if t.loopback, err = netip.ParsePrefix(loopback); err != nil {
		return t, fmt.Errorf("--loopback-cidr: %w", err)
	}
	t.pods, t.loopback = t.pods.Masked(), t.loopback.Masked()
	if !t.pods.Addr().Is4() || !t.loopback.Addr().Is4() || !t.loopback.Addr().IsLoopback() {
		return t, fmt.Errorf("--loopback-cidr %s and --pod-cidr %s: an IPv4 network of 127.0.0.0/8 and one of IPv4 are needed", loopback, pods)
	}
	if t.pods.Bits() != t.loopback.Bits() {
		return t, fmt.Errorf("--pod-cidr %s and --loopback-cidr %s differ in size", pods, loopback)
	}
	return t, nil
}

func (t translation) toAPI(ip string) string     { return moved(ip, t.loopback, t.pods) }
func (t translation) toKubelet(ip string) string { return moved(ip, t.pods, t.loopback) }

// moved gives the address at the same place of another network; addresses outside the first stay as they are.
func moved(ip string, from, to netip.Prefix) string {
	address, err := netip.ParseAddr(ip)
	if err != nil || !from.Contains(address) {
		return ip
	}
	bytes, mask := address.As4(), uint32(1)<<(32-from.Bits())-1
	host := (uint32(bytes[0])<<24 | uint32(bytes[1])<<16 | uint32(bytes[2])<<8 | uint32(bytes[3])) & mask
	result := to.Addr().As4()
	for i := range result {
		result[i] |= byte(host >> (24 - 8*i))
	}
	return netip.AddrFrom4(result).String()
}

// kubeletClient is a client for the kubelet: pods that it reads carry loopback addresses, and their status is written
// with those of the API.
type kubeletClient struct {
	kubernetes.Interface
	core coreClient
}

func newKubeletClient(config *rest.Config, t translation) (kubernetes.Interface, error) {
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	// As corev1.NewForConfig does, with another decoder. The kubelet watches its pods by the RESTClient of this client.
	core := rest.CopyConfig(config)
	core.APIPath = "/api"
	core.GroupVersion = &v1.SchemeGroupVersion
	core.NegotiatedSerializer = translatingSerializer{scheme.Codecs.WithoutConversion(), t}
	client, err := rest.RESTClientFor(core)
	if err != nil {
		return nil, err
	}
	return &kubeletClient{clientset, coreClient{corev1.New(client), t}}, nil
}

func (c *kubeletClient) CoreV1() corev1.CoreV1Interface { return c.core }

type coreClient struct {
	corev1.CoreV1Interface
	translation translation
}

func (c coreClient) Pods(namespace string) corev1.PodInterface {
	return podClient{c.CoreV1Interface.Pods(namespace), c.translation}
}

type podClient struct {
	corev1.PodInterface
	translation translation
}

func (c podClient) Patch(
	ctx context.Context, name string, kind types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string,
) (*v1.Pod, error) {
	data, err := c.translation.statusPatch(data)
	if err != nil {
		return nil, err
	}
	return c.PodInterface.Patch(ctx, name, kind, data, options, subresources...)
}

func (c podClient) UpdateStatus(ctx context.Context, pod *v1.Pod, options metav1.UpdateOptions) (*v1.Pod, error) {
	pod = pod.DeepCopy()
	translateStatus(&pod.Status, c.translation.toAPI)
	return c.PodInterface.UpdateStatus(ctx, pod, options)
}

// statusPatch rewrites the addresses in a patch of a pod's status and leaves everything else as it is.
func (t translation) statusPatch(data []byte) ([]byte, error) {
	var patch, status map[string]json.RawMessage
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, fmt.Errorf("a patch of a pod is no JSON object: %w", err)
	}
	if patch["status"] == nil {
		return data, nil
	}
	if err := json.Unmarshal(patch["status"], &status); err != nil {
		return nil, fmt.Errorf("a patch of a pod has a status that is no JSON object: %w", err)
	}
	for _, key := range []string{"podIP", "podIPs", "$setElementOrder/podIPs"} {
		if status[key] == nil {
			continue
		}
		var value any
		if err := json.Unmarshal(status[key], &value); err != nil {
			return nil, err
		}
		var err error
		if status[key], err = json.Marshal(t.patchValue(value)); err != nil {
			return nil, err
		}
	}
	var err error
	if patch["status"], err = json.Marshal(status); err != nil {
		return nil, err
	}
	return json.Marshal(patch)
}

// patchValue translates an address, an object with the field ip, and lists of either.
func (t translation) patchValue(value any) any {
	switch value := value.(type) {
	case string:
		return t.toAPI(value)
	case []any:
		for i := range value {
			value[i] = t.patchValue(value[i])
		}
	case map[string]any:
		if ip, isText := value["ip"].(string); isText {
			value["ip"] = t.toAPI(ip)
		}
	}
	return value
}

func translateStatus(status *v1.PodStatus, translate func(string) string) {
	status.PodIP = translate(status.PodIP)
	for i := range status.PodIPs {
		status.PodIPs[i].IP = translate(status.PodIPs[i].IP)
	}
}

// translatingSerializer decodes pods, from answers and watches, with loopback addresses in their status.
type translatingSerializer struct {
	runtime.NegotiatedSerializer
	translation translation
}

func (s translatingSerializer) DecoderToVersion(decoder runtime.Decoder, version runtime.GroupVersioner) runtime.Decoder {
	return translatingDecoder{s.NegotiatedSerializer.DecoderToVersion(decoder, version), s.translation}
}

type translatingDecoder struct {
	runtime.Decoder
	translation translation
}

func (d translatingDecoder) Decode(
	data []byte, defaults *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	object, kind, err := d.Decoder.Decode(data, defaults, into)
	switch object := object.(type) {
	case *v1.Pod:
		translateStatus(&object.Status, d.translation.toKubelet)
	case *v1.PodList:
		for i := range object.Items {
			translateStatus(&object.Items[i].Status, d.translation.toKubelet)
		}
	}
	return object, kind, err
}
