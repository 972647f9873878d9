* One VO2 relaxation oscillator of card vo2_delacour2021
* Card vo2_delacour2021, relaxed transitions, all devices alike.
* Made by circuitsnn 0.1.0: circuitsnn netlist oscillator --dialect hspice
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param V_DD=2.5
.param R_S=20k
.param C_P=500p
.param R_ins=100.2k
.param R_met=990
.param V_L=1
.param V_H=1.999
.param tau_0=10n
.param t_rise=100p

.subckt vo2_relaxed drive out metallic conductance R_ins=100.2k R_met=990 V_L=1 V_H=1.999 tau_0=10n tau_feedback=100f
G_Bfeedback 0 feedback cur='arsinh(20meg*((V(drive,out)-(V_H+V_L)/2)/((V_H-V_L)*1.00000092522)+0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))-0.5))'
Rfeedback feedback 0 1
Cfeedback feedback 0 'tau_feedback'
E_Bstate metallic 0 vol='0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))'
Grelax 0 conductance metallic 0 1m
Rrelax conductance 0 1k
Crelax conductance 0 'tau_0/1000'
G_Bdevice drive out cur='V(drive,out)*((1-V(conductance))/R_ins+V(conductance)/R_met)'
.ends vo2_relaxed

.subckt energy_meter supply drive energy
Vsense supply drive 0
G_Bpower 0 energy cur='1n*V(supply)*I(Vsense)'
Cenergy energy 0 1n
Rleak energy 0 1000000000000000.0
.ends energy_meter

Vosc0 osc0_vdd 0 PULSE(0 'V_DD' 0 't_rise' 't_rise' 1k 2k)
Xmeter_0 osc0_vdd osc0_drive osc0_energy energy_meter
Xosc0 osc0_drive osc0_out osc0_metallic osc0_conductance vo2_relaxed R_ins='R_ins' R_met='R_met' V_L='V_L' V_H='V_H' tau_0='tau_0'
Rs_0 osc0_out 0 'R_S'
Cp_0 osc0_out 0 'C_P'

.option post=1 probe=1 delmax=20n reltol=1e-06
.probe tran v(osc0_vdd) v(osc0_out) v(osc0_metallic) v(osc0_energy)
.meas tran period TRIG v(osc0_metallic) VAL=0.5 RISE=8 TARG v(osc0_metallic) VAL=0.5 RISE=9
.meas tran energy_0 MAX v(osc0_energy)
.tran 20n 215.8u
.end
